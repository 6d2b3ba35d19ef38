"""What a job has to do with others: those it runs after, those it needs, the locks it shares."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jobboard.core.broken import BROKEN, broken
from jobboard.core.diagnostic import Fault
from jobboard.core.jobs.value.spans import read_positive
from jobboard.core.names import is_address, is_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.core.diagnostic import Path

_NEED_DEFAULTS: Mapping[str, str] = MappingProxyType(
    {"fresh": "latest", "on": "success", "on_timeout": "skip"}
)


def read_locks(value: Any, path: Path, faults: list[Fault]) -> Any:
    """Lock to its capacity, None for what is taken away."""
    if isinstance(value, Mapping):
        return {name: None if value[name] is None else int(value[name]) for name in sorted(value)}
    locks: dict[str, int | None] = {}
    for index, text in enumerate([value] if isinstance(value, str) else value):
        capacity, _, name = text.rpartition(":")
        if locks.setdefault(name, int(capacity or 1)) != int(capacity or 1):
            place = path if isinstance(value, str) else (*path, index)
            return broken(faults, Fault(place, f'lock "{name}" has two capacities in one job'))
    return dict(sorted(locks.items()))


def read_after(value: Any, path: Path, faults: list[Fault]) -> Any:
    """Parent to how it has to end."""
    read: dict[str, str] = {}
    for place, name, entry in _parents(value, path):
        if not is_name(name) and not is_address(name):
            hint = "Write the job's name, or board/job if it is of another board"
            return broken(faults, Fault(place, f"{name!r} does not name a job", hint))
        if name in read:
            return broken(faults, Fault(place, f'"{name}" is named twice', "Name it once"))
        read[name] = entry.get("on", "success")
    return read


def read_needs(value: Any, path: Path, faults: list[Fault]) -> Any:
    """Job to what is asked of it, each part only where it is not the default."""
    read: dict[str, dict[str, Any]] = {}
    for place, name, entry in _parents(value, path):
        if not is_name(name) and not is_address(name):
            hint = "Write the job's name, or board/job if it is of another board"
            return broken(faults, Fault(place, f"{name!r} does not name a job", hint))
        if name in read:
            return broken(faults, Fault(place, f'"{name}" is named twice', "Name it once"))
        said = {key: entry[key] for key in ("fresh", "on", "on_timeout") if key in entry}
        read[name] = {key: word for key, word in said.items() if word != _NEED_DEFAULTS[key]}
        if "timeout" in entry:
            read[name]["timeout"] = read_positive(entry["timeout"], (*place[:-1], "timeout"), faults)
    return BROKEN if any(BROKEN in said.values() for said in read.values()) else read


def _parents(value: Any, path: Path) -> Iterator[tuple[Path, str, Mapping[str, Any]]]:
    """The place, the name and the rest of each entry of a list of jobs, or of the only one."""
    for index, entry in enumerate(value) if isinstance(value, list) else ((None, value),):
        place = path if index is None else (*path, index)
        if isinstance(entry, str):
            yield place, entry, {}
        else:
            yield (*place, "job"), entry["job"], entry
