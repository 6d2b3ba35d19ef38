"""The README's tour is taken, command by command, and says what the README says it does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from kit import readme
from kit.work import until

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
DAY, MONTH = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)", "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
ZONE = r"(?:Z| UTC| [+-]\d\d:\d\d)?"
# What differs from one tour to the next, and what stands for it.
VARYING = (
    (r"@\d{4}-\d\d-\d\dT[\d:.]+Z-[0-9a-f]{6}", "@INSTANT"),
    (rf"\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?{ZONE}", "INSTANT"),
    (rf"{DAY}(?: \d+ {MONTH})? \d\d:\d\d(?::\d\d)?{ZONE}", "WHEN"),
    (r"sha256:[0-9a-f]+…", "DIGEST"),
    (r"shop-[0-9a-f]{6}", "NAMESPACE"),
    (r"just now|\b\d+s ago", "AGO"),
    (r"\b\d+(?:\.\d+)? ?m?s\b", "SPAN"),
    (r" +", " "),
)


def _alike(said: str) -> str:
    """What was said, without what is different each time."""
    for pattern, instead in VARYING:
        said = re.sub(pattern, instead, said, flags=re.MULTILINE)
    return said


class Tour:
    """A reader in an empty folder, who types what the README says."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder / "shop"
        self._folder.mkdir()
        self._stack = stack
        self._env = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(folder),
            "JOBBOARD_HOME": str(folder / "home"),
            "JOBBOARD_ACTOR": "ana",
            "COLUMNS": "110",
            "LANG": "C.UTF-8",
            **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
        }

    def follow(self, block: re.Match[str]) -> str:
        """Do what a block says; the block, with what was said in answer."""
        language, text = block.groups()
        if language == "yaml":
            name, _, board = text.partition("\n")
            path = self._folder / name.removeprefix("# ")
            path.parent.mkdir()
            path.write_text(board, encoding="utf-8")
            return block.group()
        if language != "console":
            return block.group()
        typed = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
        assert typed, f"nothing is typed in {block.group()}"
        return "".join(["```console\n", *(f"$ {line}\n{self._type(line)}" for line in typed), "```\n"])

    def _type(self, line: str) -> str:
        if line == "jobboard up":
            return self._stack.enter_context(self._up())
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=self._folder,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        return done.stdout.decode()

    @contextmanager
    def _up(self) -> Iterator[str]:
        child = subprocess.Popen(
            ["jobboard", "up"],
            cwd=self._folder,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with child:
            try:
                assert child.stdout is not None
                said = _first_line(child.stdout)
                # A reader needs longer to get to the second terminal than a worker to be there.
                until(lambda: '"workers": []' not in self._type("jobboard workers -o json"))
                yield said
            finally:
                child.send_signal(signal.SIGINT)
                child.communicate(timeout=30)
        assert child.returncode == 0


def _first_line(stream: IO[bytes]) -> str:
    return stream.readline().decode()


def test_the_tour_says_what_the_readme_says(tmp_path: Path) -> None:
    told = readme.part("tour")
    with ExitStack() as stack:
        tour = Tour(tmp_path, stack)
        taken = BLOCK.sub(tour.follow, told)
    if os.environ.get("JOBBOARD_REGENERATE") and _alike(taken) != _alike(told):
        readme.rewrite("tour", taken)
    assert _alike(taken).splitlines() == _alike(readme.part("tour")).splitlines()
