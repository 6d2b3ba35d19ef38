"""``plan --write-live``: what was edited live, written into the board files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli.commands.fmt import write_whole
from jobboard.core.diagnostic import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.reconcile.planning import Planned
    from jobboard.reconcile.write_live import Rewritten


def write_live(planned: Planned) -> bool:
    """Write the live values of a plan's drift into its files, and say on standard error what was written.

    Returns:
        Whether all of them could be.

    Raises:
        errors.JobboardError: A file cannot be written, or somebody else wrote it meanwhile.
    """
    from jobboard.reconcile.write_live import rewrite_boards

    rewritten = rewrite_boards(planned)
    for file in rewritten:
        if file.after != file.before:
            _write(file)
    _report(rewritten)
    return all(value.reason is None for file in rewritten for value in file.values)


def _write(file: Rewritten) -> None:
    path = Path(file.path)
    if path.read_bytes() != file.before:
        raise errors.JobboardError(f"{path} was saved meanwhile; it stays as it is", "try again")
    write_whole(path, file.after)


def _report(rewritten: Sequence[Rewritten]) -> None:
    if not any(file.values for file in rewritten):
        sys.stderr.write("Nothing was edited live: no file was written.\n")
    for file in rewritten:
        written = [value for value in file.values if value.reason is None]
        if written:
            count = f"{len(written)} live value{'s' if len(written) != 1 else ''}"
            sys.stderr.write(f"Wrote {count} into {file.path}:\n")
        for value in written:
            sys.stderr.write(f"  {value.address}  {visible(value.path)}\n")
        for value in file.values:
            if value.reason is not None:
                sys.stderr.write(f"{file.path}: not written: {value.address} {visible(value.path)}: ")
                sys.stderr.write(f"{value.reason}\n")
