"""A project on disk, with boards in files, and the command line run on it in this process."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.cli.main import main
from jobboard.store.boards import definitions

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from jobboard.core.jobs.model import Definition
    from jobboard.store.calls.connect import Store


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as a value."""
        return json.loads(self.out)


class Project:
    """Boards in `folder`, and `store` as everybody's store.

    Commands run in this process, in the folder, as ana.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.folder = folder
        self.store = store
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        (folder / "boards").mkdir(parents=True, exist_ok=True)
        for name, value in self.environment().items():
            monkeypatch.setenv(name, value)
        for name in ("CI", "GITHUB_RUN_NUMBER", "CI_PIPELINE_IID"):
            monkeypatch.delenv(name, raising=False)
        self.enter()

    def environment(self) -> dict[str, str]:
        """What a command needs in its environment to work on this project."""
        return {
            "JOBBOARD_REDIS_URL": self.store.url,
            "JOBBOARD_NAMESPACE": self.store.namespace,
            "JOBBOARD_TEST": "1",
            "JOBBOARD_ACTOR": "ana",
            "JOBBOARD_HOME": str(self.folder / "home"),
            "COLUMNS": "100",
            "NO_COLOR": "1",
        }

    def share(self) -> None:
        """Let its store pass for one that others rely on."""
        self._monkeypatch.setattr("jobboard.cli.project.may_be_shared", lambda settings: True)

    def enter(self) -> None:
        """Make its folder the one commands run in."""
        self._monkeypatch.chdir(self.folder)

    def path(self, board: str) -> Path:
        """The file of a board."""
        return self.folder / "boards" / f"{board}.yaml"

    def board(self, name: str, jobs: str, *, head: str = "") -> Path:
        """Write a board: its jobs one a line, ``name: {run: x, …}``."""
        lines = "".join(f"  {line.strip()}\n" for line in jobs.strip().splitlines())
        text = (
            f"board: {name}\n{head}jobs:\n{lines}" if lines.strip() else f"board: {name}\n{head}jobs: {{}}\n"
        )
        self.path(name).write_text(text)
        return self.path(name)

    def run(self, *words: str) -> Outcome:
        """Run a command; how it ended."""
        self._capsys.readouterr()
        code = main(list(words))
        captured = self._capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    def ok(self, *words: str) -> Outcome:
        """Run a command that has to succeed."""
        outcome = self.run(*words)
        assert outcome.code == 0, outcome
        return outcome

    def sync(self, *words: str) -> Outcome:
        """Sync without being asked; it has to succeed."""
        return self.ok("sync", "--auto-approve", *words)

    def plan(self, *words: str) -> Any:
        """The plan, as a value, whatever the exit code."""
        return self.run("plan", "-o", "json", *words).json

    def counts(self, *words: str) -> dict[str, int]:
        """How many changes of each kind a sync would make, above zero."""
        return {action: count for action, count in self.plan(*words)["counts"].items() if count}

    def live(self, board: str) -> dict[str, Definition]:
        """The jobs of a board as the store has them."""
        record = definitions.read_board(self.store, board)
        return definitions.read_definitions(self.store, record.version) if record else {}

    def spec(self, address: str) -> dict[str, Any]:
        """A job's live definition."""
        board, _, job = address.partition("/")
        return dict(self.live(board)[job].spec)

    def git(self, *words: str) -> str:
        """Run Git in the folder."""
        asked = ["git", "-c", "user.name=ana", "-c", "user.email=ana@example.org", *words]
        done = subprocess.run(asked, cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, message: str = "x") -> str:
        """Commit everything, in a repository made for it if need be; the commit."""
        if not (self.folder / ".git").exists():
            self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def cut_off(self) -> None:
        """Forget all of the history but the commit checked out, as a clone of depth 1 has it."""
        head = self.git("rev-parse", "HEAD")
        (self.folder / ".git" / "shallow").write_text(head + "\n")
        self.git("reflog", "expire", "--expire=now", "--all")
        self.git("gc", "-q", "--prune=now")


def dump_of(store: Store, *, without: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Every key of the namespace with its bytes, those of some families left out."""
    prefix = store.key("")
    found: dict[str, bytes] = {}
    for raw in sorted(store.client.scan_iter(match=prefix.replace("{", "\\{") + "*", count=1000)):
        key = raw.decode("utf-8", "surrogateescape")[len(prefix) :]
        if key.partition(":")[0] not in without:
            found[key] = bytes(store.client.dump(raw) or b"")
    return found


def write_commands(store: Store) -> set[str]:
    """Commands that write, as the server's statistics have counted them since they were last reset."""
    listed: Any = store.client.command_list(category="write")
    writing = {name.decode().replace("|", "_") for name in listed}
    stats: Any = store.client.info("commandstats")
    return {name.removeprefix("cmdstat_") for name in stats} & writing


def reset_statistics(store: Store) -> None:
    """Let the server's statistics begin anew."""
    store.client.config_resetstat()
