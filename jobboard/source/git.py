"""What Git knows about the place boards come from. Without Git, or outside of it, nothing, and no error."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

# A repository on a dead network mount must not hold up a plan.
TIMEOUT_S = 10.0

_CREDENTIALS = re.compile(r"^([a-z+]+://)[^/@]*@")


@dataclass(frozen=True, slots=True)
class Checkout:
    """The state of a Git work tree.

    Attributes:
        root: Its top directory.
        origin: What names the repository wherever it is cloned: its remote's URL without credentials, else
            ``root:`` and its first commit; None in a repository without either.
        commit: The commit checked out; None before the first one.
        branch: The branch checked out; None if there is none.
        author: Who wrote that commit, as ``name <address>``.
        dirty: Whether anything below the asked-for directory differs from that commit.
    """

    root: Path
    origin: str | None
    commit: str | None
    branch: str | None
    author: str | None
    dirty: bool


def checkout_of(directory: Path) -> Checkout | None:
    """The work tree that `directory` is in; None outside of Git or without it."""
    if not _may_be_within(directory):
        return None
    root = _ask(directory, "rev-parse", "--show-toplevel")
    if not root:
        return None
    commit, _, author = (_ask(directory, "log", "-1", "--format=%H%n%an <%ae>") or "").partition("\n")
    return Checkout(
        root=Path(root),
        origin=_origin(directory),
        commit=commit or None,
        branch=_ask(directory, "symbolic-ref", "--short", "-q", "HEAD") or None,
        author=author or None,
        dirty=bool(_ask(directory, "status", "--porcelain", "--", ".")),
    )


def _may_be_within(directory: Path) -> bool:
    """Whether it is worth asking Git: it looks for ``.git`` upwards, or where its environment says."""
    top = os.path.realpath(directory)
    while not os.path.lexists(f"{top}/.git"):
        above = os.path.dirname(top)  # noqa: PTH120  # texts: this runs in every plan
        if above == top:
            return "GIT_DIR" in os.environ
        top = above
    return True


def descends(directory: Path, newer: str, older: str) -> bool | None:
    """Whether commit `newer` descends from `older`, or is it; None where Git cannot tell.

    A shallow clone ends somewhere, so that it can say yes but never no. A whole one holds everything its
    commits descend from: it does not descend from one that it has never heard of.
    """
    answer = _run(directory, "merge-base", "--is-ancestor", older, newer)
    if answer is None:
        return None
    if answer.returncode == 0:
        return True
    known = answer.returncode == 1 or _ask(directory, "cat-file", "-t", newer) == "commit"
    return False if known and not is_shallow(directory) else None


def is_shallow(directory: Path) -> bool:
    """Whether the clone was cut off: its oldest commits have parents that it does not hold."""
    return _ask(directory, "rev-parse", "--is-shallow-repository") == "true"


def branched_from(directory: Path, ref: str) -> str | None:
    """The commit in which what is checked out and `ref` parted; None where Git knows no such commit."""
    return _ask(directory, "merge-base", "--end-of-options", ref, "HEAD") or None


def is_known(directory: Path, ref: str) -> bool:
    """Whether `ref` names a commit here."""
    return bool(_ask(directory, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"))


def content_at(directory: Path, commit: str, path: str) -> bytes | None:
    """What a file below `directory` held in a commit; None where there was none."""
    answer = _run_raw(directory, "cat-file", "blob", f"{commit}:./{path}")
    return answer.stdout if answer is not None and answer.returncode == 0 else None


def index_lock(directory: Path) -> Path | None:
    """The file that is there while Git writes to the work tree of a directory; None outside of Git."""
    named = _ask(directory, "rev-parse", "--git-path", "index.lock")
    return Path(directory, named) if named else None


def first_commit(directory: Path) -> str | None:
    """The first commit of the repository, by which it is known where it has no remote.

    Along first parents alone: other histories that were merged in must not change what a repository is.
    """
    return _ask(directory, "rev-list", "--first-parent", "--max-parents=0", "HEAD") or None


def _origin(directory: Path) -> str | None:
    url = _ask(directory, "remote", "get-url", "origin")
    if url:
        return _CREDENTIALS.sub(r"\1", url)
    first = first_commit(directory)
    return f"root:{first}" if first else None


def _ask(directory: Path, *words: str) -> str | None:
    """What a Git command prints; None where it fails."""
    answer = _run(directory, *words)
    return answer.stdout.strip() if answer is not None and answer.returncode == 0 else None


def _run(directory: Path, *words: str) -> subprocess.CompletedProcess[str] | None:
    from subprocess import CompletedProcess

    answer = _run_raw(directory, *words)
    if answer is None:
        return None
    texts = (stream.decode("utf-8", "replace") for stream in (answer.stdout, answer.stderr))
    return CompletedProcess(answer.args, answer.returncode, *texts)


def _run_raw(directory: Path, *words: str) -> subprocess.CompletedProcess[bytes] | None:
    import subprocess

    # Optional locks off: a plan only looks, and must not be in the way of somebody's commit.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    try:
        return subprocess.run(
            ["git", "-C", str(directory), *words],
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
