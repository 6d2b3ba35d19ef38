"""Jobs that are written once and declared many times: `for_each`.

A job with ``for_each`` is a template. Each item declares a job of its own, whose texts may say
``${each:key}``, ``${each:value}`` and, where the value is a map, ``${each:value.FIELD}``. What is wrong
with a job so declared is said where the template stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from jobboard.core.diagnostic import Fault, KeyFault
from jobboard.core.names import NAME_RULE, is_name
from jobboard.source.references import BadReference, interpolated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jobboard.core.diagnostic import Path

LIMIT = 100_000
"""Jobs that templates of one board may declare."""

MARK = "${each:"
_OWN_KEYS = ("for_each", "name")


@dataclass(frozen=True, slots=True)
class Expansion:
    """A board with its templates written out.

    Attributes:
        root: The board's tree, with the declared jobs in place of the templates.
        templates: Declared job -> the job it is written as, in the file.
        faults: By path from the root of the tree as written.
    """

    root: Any
    templates: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def expand(root: Any) -> Expansion:
    """Write out the templates of a board of any shape; what is not understood is left to the schema."""
    jobs = root.get("jobs") if isinstance(root, dict) else None
    if not isinstance(jobs, dict):
        return Expansion(root)
    found: dict[str, Any] = {}
    expansion = Expansion({**root, "jobs": found})
    for job, raw in jobs.items():
        items = _items(raw)
        if items is None:
            is_template = isinstance(raw, dict) and "for_each" in raw
            found[job] = raw if is_template else _filled(raw, _nothing, ("jobs", job), expansion.faults)
            continue
        for key, value in items:
            _declare(_Item(job, raw, key, value), jobs, expansion)
    return expansion


def _items(raw: Any) -> list[tuple[str, Any]] | None:
    """Key and value of each job that a template declares; None where it is no template of valid shape."""
    each = raw.get("for_each") if isinstance(raw, dict) else None
    if isinstance(each, list) and all(isinstance(item, str) or type(item) is int for item in each):
        return [(str(item), item) for item in each]
    return list(each.items()) if isinstance(each, dict) else None


@dataclass(frozen=True, slots=True)
class _Item:
    """One item of a template: the job as written, and what ``${each:…}`` stands for."""

    job: str
    raw: Mapping[str, Any]
    key: str
    value: Any

    def find(self, body: str) -> Any:
        return _each(body, self.key, self.value)

    @property
    def name_path(self) -> Path:
        return ("jobs", self.job, "name" if "name" in self.raw else "for_each")


def _declare(item: _Item, written: Mapping[str, Any], to: Expansion) -> None:
    faults: list[Fault] = []
    keys = {name: part for name, part in item.raw.items() if name not in _OWN_KEYS}
    declared = _filled(keys, item.find, ("jobs", item.job), faults)
    name = _name(item, faults)
    if name is not None:
        _refuse_twin(item, name, written, to, faults)
    to.faults.extend(faults)
    if name is not None and not faults:
        to.root["jobs"][name] = declared
        to.templates[name] = item.job


def _name(item: _Item, faults: list[Fault]) -> str | None:
    """What the job is to be called; None where that is no name."""
    given = item.raw.get("name", f"{item.job}-{item.key}")
    if not isinstance(given, str):
        faults.append(Fault(item.name_path, '"name" must be text', 'Write  name: "NAME-${each:key}"'))
        return None
    try:
        name = str(interpolated(given, "each", item.find))
    except BadReference as bad:
        faults.append(Fault(item.name_path, bad.message, bad.hint, offset=bad.offset))
        return None
    if not is_name(name):
        faults.append(Fault(item.name_path, f'"{name}" cannot name a job', f"A name is {NAME_RULE}"))
        return None
    return name


def _refuse_twin(
    item: _Item, name: str, written: Mapping[str, Any], to: Expansion, faults: list[Fault]
) -> None:
    if name in to.templates or (name in written and name != item.job):
        other = to.templates.get(name, item.job)
        also = f', also by "{other}"' if other != item.job else ""
        hint = 'Let the name tell them apart, as in  name: "NAME-${each:key}"'
        faults.append(KeyFault(item.name_path, f'job "{name}" is declared twice{also}', hint))
    elif len(to.templates) >= LIMIT:
        faults.append(KeyFault(item.name_path, f"more than {LIMIT:,} jobs are declared", "Split the board"))


def _filled(value: Any, find: Callable[[str], Any], path: Path, faults: list[Fault]) -> Any:
    """A copy of a value with its references to the item replaced."""
    if isinstance(value, dict):
        return {key: _filled(part, find, (*path, key), faults) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, find, (*path, index), faults) for index, part in enumerate(value)]
    if not isinstance(value, str) or MARK not in value:
        return value
    try:
        return interpolated(value, "each", find)
    except BadReference as bad:
        faults.append(Fault(path, bad.message, bad.hint, offset=bad.offset))
        return value


def _each(body: str, key: str, value: Any) -> Any:
    if body == "key":
        return key
    head, *steps = body.split(".")
    if head != "value":
        raise BadReference(f"${{each:{body}}} means nothing", "There are  ${each:key}  and  ${each:value}")
    for index, step in enumerate(steps):
        if not isinstance(value, dict) or step not in value:
            raise _missing(".".join(steps[: index + 1]), key, step, value)
        value = value[step]
    return value


def _nothing(body: str) -> Any:
    hint = "Write  for_each: [NAME, NAME]  in the job, or  $${each:  for the characters themselves"
    raise BadReference(f'{MARK}{body}}} means nothing without "for_each"', hint)


def _missing(path: str, key: str, step: str, value: Any) -> BadReference:
    known = list(value) if isinstance(value, dict) else []
    near = get_close_matches(step, known, n=1)
    hint = f'Did you mean "{near[0]}"?' if near else None
    if not known:
        hint = "Its value is no map; write  ${each:value}"
    return BadReference(f'the value of "{key}" has no "{path}"', hint)
