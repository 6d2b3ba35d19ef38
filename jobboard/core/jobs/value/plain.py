"""Values that need little: texts, numbers, sets and maps of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.diagnostic import Fault, Path


def read_map(value: Mapping[str, Any], path: Path, faults: list[Fault]) -> Any:  # noqa: ARG001
    """Texts by name, in the order of the names."""
    return {name: _as_text(value[name]) for name in sorted(value)}


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def read_set(value: list[str], path: Path, faults: list[Fault]) -> Any:  # noqa: ARG001
    """Texts in order, each once."""
    return sorted(set(value))


def read_as_is(value: Any, path: Path, faults: list[Fault]) -> Any:  # noqa: ARG001
    """The value as the schema has let it through."""
    return value


def read_integer(value: int, path: Path, faults: list[Fault]) -> int:  # noqa: ARG001
    """A whole number."""
    return int(value)  # JSON Schema takes 3.0 for an integer
