"""`jobboard watch` as a process, on the embedded store: what is saved is synced."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest
from kit.work import until

from jobboard.daemon.system.linux import IS_LINUX
from jobboard.settings import Settings, default_namespace
from jobboard.store.boards import definitions
from jobboard.store.calls.connect import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.store.calls.connect import Store

DEADLINE_S = 20.0


class Watching:
    """A `watch` process, and what it has said so far."""

    def __init__(self, folder: Path, home: Path) -> None:
        environment = {**os.environ, "JOBBOARD_HOME": str(home), "NO_COLOR": "1", "JOBBOARD_ACTOR": "ana"}
        for name in ("JOBBOARD_REDIS_URL", "JOBBOARD_NAMESPACE", "CI"):
            environment.pop(name, None)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jobboard", "watch"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []
        self._more = threading.Condition()
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(timeout=20)
        self._reading.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with self._more:
                    self.said.append(line)
                    self._more.notify_all()

    def expect(self, words: str, times: int = 1) -> None:
        """Wait until lines with these words have been said so often."""
        with self._more:
            came = self._more.wait_for(lambda: self.count(words) >= times, DEADLINE_S)
        assert came, f"{words!r} was not said {times} times in:\n{''.join(self.said)}"

    def count(self, words: str) -> int:
        """In how many lines these words have been said."""
        return sum(words in line for line in self.said)

    def stop(self) -> int:
        """Ctrl-C; its exit code."""
        self._process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> int:
        """Wait for its end; its exit code."""
        return self._process.wait(timeout=20)


class Place:
    """A project on the embedded store.

    Attributes:
        boards: Its folder of boards.
    """

    def __init__(self, folder: Path, home: Path, store: Store) -> None:
        self.folder = folder
        self.home = home
        self.boards = folder / "boards"
        self._store = store

    def watching(self) -> Watching:
        """Watch it."""
        return Watching(self.folder, self.home)

    def write(self, board: str, run: str = "x") -> Path:
        """Write a board of one job in place, as an editor may."""
        path = self.boards / f"{board}.yaml"
        path.write_text(f"board: {board}\njobs:\n  a: {{run: {run}}}\n")
        return path

    def live(self) -> dict[str, Any]:
        """Board to what its one job runs."""
        found = {}
        for name, record in definitions.read_boards(self._store).items():
            for definition in definitions.read_definitions(self._store, record.version).values():
                found[name] = definition.spec["command"]["run"]
        return found

    def becomes(self, **live: str) -> None:
        """Wait until the store has just these boards."""
        until(lambda: self.live() == live, DEADLINE_S)

    def git(self, *words: str) -> None:
        """Run Git in its folder."""
        who = ["-c", "user.name=ana", "-c", "user.email=ana@example.org"]
        subprocess.run(["git", *who, *words], cwd=self.folder, check=True, capture_output=True)

    def revision(self) -> int:
        """How many syncs have written."""
        return int(self._store.client.hlen(self._store.key("revisions")))


@pytest.fixture
def place() -> Iterator[Place]:
    # Below /tmp itself: a socket's path may not be long.
    top = Path(tempfile.mkdtemp(prefix="jb-"))
    folder = top / "project"
    (folder / "boards").mkdir(parents=True)
    namespace = default_namespace("embedded://", folder.resolve())
    with open_store(Settings("embedded://", namespace, top / "home", "ana", "cli", folder)) as store:
        yield Place(folder, top / "home", store)
    shutil.rmtree(top, ignore_errors=True)


def test_it_syncs_at_once_and_on_every_save_and_ends_on_ctrl_c(place: Place) -> None:
    place.write("ops")
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        place.write("ops", "y")
        watching.expect("Synced: revision 2.")
        assert place.live() == {"ops": "y"}
        assert watching.count("command    x  →  y") == 1
        place.write("etl", "z")
        place.becomes(ops="y", etl="z")
        assert watching.stop() == 0


def test_a_save_before_it_listens_is_not_missed(place: Place) -> None:
    place.write("ops")
    with place.watching() as watching:
        watching.expect("Watching, syncing to embedded")
        place.write("ops", "y")
        place.becomes(ops="y")


def test_an_atomic_save_is_a_save(place: Place) -> None:
    path = place.write("ops")
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        draft = path.with_name(".ops.yaml.swp")
        draft.write_text(path.read_text().replace("x", "y"))
        draft.replace(path)
        place.becomes(ops="y")


def test_a_broken_board_keeps_the_last_good_ones_and_is_told_once(place: Place) -> None:
    path = place.write("ops")
    place.write("etl")
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        good = path.read_text()
        path.write_text(good[:-4])
        watching.expect("Redis keeps the last good boards.")
        (place.boards / "note.txt").write_text("an event that changes nothing")
        place.write("etl", "y")
        path.write_text(good.replace("x", "z"))
        place.becomes(ops="z", etl="y")
        assert watching.count("Redis keeps the last good boards.") == 1


def test_jobs_go_once_the_files_have_stayed_as_they_are(place: Place) -> None:
    path = place.write("ops")
    path.write_text(f"{path.read_text()}  b: {{run: x}}\n  c: {{run: x}}\n")
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        place.write("ops", "y")
        watching.expect("2 jobs would go.")
        watching.expect("Waiting until boards/ops.yaml has stayed as it is for 3s.")
        assert place.revision() == 1
        watching.expect("Synced: revision 2.")
        assert place.live() == {"ops": "y"}
        assert watching.count("would go") == 1


def test_half_of_a_save_loses_nothing(place: Place) -> None:
    path = place.write("ops")
    whole = f"{path.read_text()}  b: {{run: x}}\n"
    path.write_text(whole)
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        place.write("ops")
        watching.expect("1 job would go")
        path.write_text(whole)
        watching.expect("No job would go any more: none did.")
        place.write("etl")
        watching.expect("Synced: revision 2.")
        assert watching.count("1 to destroy") == 0


def test_a_save_that_was_cut_off_inside_a_value_loses_nothing(place: Place) -> None:
    path = place.write("ops", "backup --all")
    whole = path.read_text()
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        path.write_text("board: ops\njobs:\n  a:\n    run: back")
        watching.expect("boards/ops.yaml may be half saved: its last line has no line break.")
        watching.expect("Waiting until boards/ops.yaml has stayed as it is for 3s.")
        path.write_text(whole)
        place.write("etl")
        watching.expect("Synced: revision 2.")
        assert place.live() == {"ops": "backup --all", "etl": "x"}
        assert watching.count("command") == 0


def test_what_is_meant_without_a_last_line_break_is_synced_all_the_same(place: Place) -> None:
    path = place.write("ops")
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        path.write_text("board: ops\njobs:\n  a:\n    run: y")
        watching.expect("Waiting until boards/ops.yaml")
        watching.expect("Synced: revision 2.")
        assert place.live() == {"ops": "y"}


def test_a_project_file_that_was_cut_off_changes_nothing(place: Place) -> None:
    place.write("ops", '"${var:WHAT}"')
    file = place.folder / "jobboard.yaml"
    file.write_text("variables:\n  WHAT: backup\n")
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        file.write_text("variables:\n  WHAT: back")
        watching.expect("jobboard.yaml may be half saved")
        file.write_text("variables:\n  WHAT: backups\n")
        place.becomes(ops="backups")
        assert watching.count("backup  →  back\n") == 0


def test_a_board_that_is_being_written_is_waited_for(place: Place) -> None:
    path = place.write("ops")
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        with path.open("w") as writer:
            writer.write("board: ops\njobs:\n  a:\n    run: half\n")
            writer.flush()
            place.write("etl")
            writer.write("    env:\n      WHOLE: yes it is\n")
        place.becomes(ops="half", etl="x")
        watching.expect("WHOLE")
        assert not IS_LINUX or place.revision() == 2


def test_a_board_that_gets_another_name_waits_and_does_not_run_twice(place: Place) -> None:
    path = place.write("ops")
    good = path.read_text()
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        path.write_text(good.replace("board: ops", "board: web"))
        watching.expect("its file boards/ops.yaml holds board web now")
        path.write_text(good.replace("x", "y"))
        watching.expect("Synced: revision 2.")
        assert place.live() == {"ops": "y"}


def test_a_board_whose_file_goes_is_told_once_stays_and_is_in_nobodys_way(place: Place) -> None:
    path = place.write("ops")
    place.write("etl")
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        path.unlink()
        watching.expect("boards/ops.yaml is gone; its one job stays as it is")
        place.write("etl", "y")
        watching.expect("Synced: revision 2.")
        assert place.live() == {"ops": "x", "etl": "y"}
        place.write("ops", "z")
        place.becomes(ops="z", etl="y")


def test_a_conflict_waits_for_a_person(place: Place) -> None:
    path = place.write("ops")
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        edit = [sys.executable, "-m", "jobboard", "set", "ops/a", "run=live"]
        environment = {**os.environ, "JOBBOARD_HOME": str(place.home)}
        subprocess.run(edit, cwd=place.folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        place.write("ops", "file")
        watching.expect("! conflict a.command")
        assert place.live() == {"ops": "live"}
        path.write_text(path.read_text().replace("file", "live"))
        watching.expect("Synced: revision 2.")


def test_what_is_mended_without_a_change_is_said(place: Place) -> None:
    path = place.write("ops")
    good = path.read_text()
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        path.write_text("board: ops\njobs: 5\n")
        watching.expect("Redis keeps the last good boards.")
        path.write_text(good)
        watching.expect("Mended: nothing to sync, Redis matches the boards.")
        assert place.revision() == 1


def test_a_swapped_config_map_is_read_anew(place: Place) -> None:
    """As the kubelet does it: the files are links through ``..data``, which is swapped by a rename."""
    for version, run in (("..v1", "x"), ("..v2", "y")):
        (place.boards / version).mkdir()
        (place.boards / version / "ops.yaml").write_text(f"board: ops\njobs:\n  a: {{run: {run}}}\n")
    (place.boards / "..data").symlink_to("..v1")
    (place.boards / "ops.yaml").symlink_to("..data/ops.yaml")
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        (place.boards / "..tmp").symlink_to("..v2")
        (place.boards / "..tmp").rename(place.boards / "..data")
        shutil.rmtree(place.boards / "..v1")
        place.becomes(ops="y")


def test_a_folder_that_is_replaced_is_still_watched(place: Place) -> None:
    place.write("ops")
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        place.boards.rename(place.folder / "old")
        watching.expect("Not synced: there is no file or folder boards")
        place.boards.mkdir()
        place.write("ops", "y")
        place.becomes(ops="y")
        place.write("ops", "z")
        place.becomes(ops="z")


def test_a_project_file_is_looked_at_too(place: Place) -> None:
    """At once: long before it would look without having been told."""
    place.write("ops", '"${var:WHAT}"')
    file = place.folder / "jobboard.yaml"
    file.write_text("variables: {WHAT: x}\n")
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        file.write_text("variables: {WHAT: y}\n")
        place.becomes(ops="y")
        draft = place.folder / ".jobboard.yaml.swp"
        draft.write_text("variables: {WHAT: z}\n")
        draft.replace(file)
        place.becomes(ops="z")
        file.write_text("variables: {WHAT\n")
        watching.expect("Redis keeps the last good boards.")
        assert place.live() == {"ops": "z"}
        file.unlink()
        watching.expect("Redis keeps the last good boards.", times=2)
        file.write_text("variables: {WHAT: last}\n")
        place.becomes(ops="last")
        assert watching.stop() == 0


def test_a_project_file_that_comes_later_is_seen(place: Place) -> None:
    place.write("ops")
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        (place.folder / "jobboard.yaml").write_text("defaults: {timeout: 5m}\n")
        watching.expect("Synced: revision 2.")


def test_while_git_writes_nothing_is_synced(place: Place) -> None:
    place.git("init", "-q", "-b", "main")
    place.write("ops")
    lock = place.folder / ".git" / "index.lock"
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        lock.touch()
        for number in range(5):
            place.write(f"b{number}")
        lock.unlink()
        watching.expect("Synced: revision 2.")
        place.becomes(ops="x", **{f"b{number}": "x" for number in range(5)})
        assert place.revision() == 2


def test_a_checkout_of_many_files_is_one_sync(place: Place) -> None:
    git = place.git
    git("init", "-q", "-b", "main")
    for run in ("x", "y"):
        for number in range(300):
            place.write(f"b{number}", run)
        git("add", "-A")
        git("commit", "-q", "-m", run)
    git("checkout", "-q", "HEAD~1")
    with place.watching() as watching:
        watching.expect("Synced: revision 1.")
        assert set(place.live().values()) == {"x"}
        git("checkout", "-q", "main")
        place.becomes(**{f"b{number}": "y" for number in range(300)})
        assert place.revision() == 2


def test_a_folder_that_is_not_there_is_a_usage_error(place: Place) -> None:
    place.boards.rmdir()
    with place.watching() as watching:
        watching.expect("there is no file or folder boards")
        watching.expect("jobboard init")
        assert watching.ended() == 64
