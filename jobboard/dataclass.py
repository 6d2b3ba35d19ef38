"""Data classes as the standard library's, made in a twentieth of the time.

A command makes a hundred of them before it does anything. `dataclasses` writes, compiles and runs six
functions for each, which takes half a millisecond, and imports `inspect`: half of what planning one changed
job took. Here a class has its `__init__` compiled when it first gets an instance, which most never do, and
its other methods are shared.

What is made is a data class to everyone else: `dataclasses.replace`, `fields` and `asdict` take it, and it
can be copied and pickled. It always has slots. There is no order, no `InitVar`, and nothing is keyword-only.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_Class = TypeVar("_Class", bound=type)
_FIELDS = "__slotted_fields__"
_MISSING: Any = object()


class _Field:
    """What is said of a field; its annotation is its kind."""

    __slots__ = ("compare", "default", "default_factory", "init", "kind", "repr")

    def __init__(
        self,
        *,
        default: Any = _MISSING,
        default_factory: Any = _MISSING,
        init: bool = True,
        repr: bool = True,  # noqa: A002 (so the standard library calls it)
        compare: bool = True,
    ) -> None:
        self.default, self.default_factory = default, default_factory
        self.init, self.repr, self.compare = init, repr, compare
        self.kind = ""

    def said(self) -> dict[str, Any]:
        """All but its kind, as keywords that say it again."""
        said = {name: getattr(self, name) for name in self.__slots__ if name != "kind"}
        return {name: value for name, value in said.items() if value is not _MISSING}


def _dataclass(*, frozen: bool = False, slots: bool) -> Callable[[_Class], _Class]:
    """A decorator that makes a class a data class; one that is frozen never changes, and has a hash."""
    assert slots
    return _made_frozen if frozen else _made


def _made_frozen(written: _Class) -> _Class:
    return _made(written, __hash__=_hash, __setattr__=_refuse_set, __delattr__=_refuse_delete)


def _made(written: _Class, **methods: Any) -> _Class:
    inherited: Mapping[str, _Field] = getattr(written, _FIELDS, {})
    namespace = {key: value for key, value in vars(written).items() if key not in ("__dict__", "__weakref__")}
    own = _own_fields(namespace)
    fields = {**inherited, **own}
    made: _Class = type(written)(
        written.__name__,
        written.__bases__,
        {
            "__init__": _compiling(fields, is_frozen="__setattr__" in methods),
            "__eq__": _equal,
            "__hash__": None,
            "__repr__": _text,
            "__getstate__": _state,
            "__setstate__": _restore,
            "__match_args__": tuple(name for name, field in fields.items() if field.init),
            "__dataclass_fields__": _StandardFields(),
            "__slots__": tuple(name for name in own if name not in inherited),
            _FIELDS: fields,
            "_compared": attrgetter(*([name for name in fields if fields[name].compare] or ["__class__"])),
            **methods,
            **namespace,
        },
    )
    return made


def _own_fields(namespace: dict[str, Any]) -> dict[str, _Field]:
    """The fields that a class declares; their defaults leave its namespace, where the slots will stand."""
    fields = {}
    for name, kind in namespace.get("__annotations__", {}).items():
        if not kind.startswith("ClassVar"):
            given = namespace.pop(name, _MISSING)
            fields[name] = given if isinstance(given, _Field) else _Field(default=given)
            fields[name].kind = kind
            if isinstance(given, dict | list | set):
                raise TypeError(f"the default of {name} would be shared by all: use default_factory")
    return fields


def _compiling(fields: Mapping[str, _Field], *, is_frozen: bool) -> Any:
    """An ``__init__`` that puts the real one in its place when it is first called."""

    def first(self: Any, *values: Any, **named: Any) -> None:
        owner: Any = next(each for each in type(self).__mro__ if vars(each).get(_FIELDS) is fields)
        owner.__init__ = init = _init_of(owner, fields, is_frozen=is_frozen)
        init(self, *values, **named)

    return first


def _init_of(owner: Any, fields: Mapping[str, _Field], *, is_frozen: bool) -> Any:
    """The ``__init__`` of a class: all but the names of its fields begin with two underscores in it."""
    scope: dict[str, Any] = {"__missing": _MISSING}
    parameters, lines = ["self"], ["pass"]
    for name, field in fields.items():
        # Past the `__setattr__` that refuses.
        scope[f"__set_{name}"] = getattr(owner, name).__set__
        scope[default := f"__default_{name}"] = field.default
        value = name if field.init else default
        if field.default_factory is not _MISSING:
            scope[made := f"__make_{name}"] = field.default_factory
            default = "__missing"
            value = f"{made}() if {name} is __missing else {name}" if field.init else f"{made}()"
        if field.init:
            has_default = field.default is not field.default_factory
            parameters.append(f"{name}={default}" if has_default else name)
        lines.append(f"__set_{name}(self, {value})" if is_frozen else f"self.{name} = {value}")
    if hasattr(owner, "__post_init__"):
        lines.append("self.__post_init__()")
    text = f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines)
    exec(text, scope)  # noqa: S102 (as the standard library does; nothing in it but names of fields)
    scope["__init__"].__qualname__ = f"{owner.__qualname__}.__init__"
    return scope["__init__"]


class _StandardFields:
    """The fields as the standard library has them, made when they are first asked for."""

    def __get__(self, instance: object, owner: Any) -> Any:
        import dataclasses

        fields = getattr(owner, _FIELDS).items()
        told = [(name, field.kind, dataclasses.field(**field.said())) for name, field in fields]
        standard = vars(dataclasses.make_dataclass(owner.__name__, told))["__dataclass_fields__"]
        owner.__dataclass_fields__ = standard
        return standard


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self._compared(self) == self._compared(other)


def _hash(self: Any) -> int:
    return hash(self._compared(self))


def _text(self: Any) -> str:
    fields = getattr(self, _FIELDS).items()
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name, field in fields if field.repr)
    return f"{type(self).__qualname__}({shown})"


def _refuse_set(self: Any, name: str, _value: object) -> None:
    raise AttributeError(f"cannot assign to {name!r}: {type(self).__name__} is frozen")


def _refuse_delete(self: Any, name: str) -> None:
    raise AttributeError(f"cannot delete {name!r}: {type(self).__name__} is frozen")


def _state(self: Any) -> list[Any]:
    return [getattr(self, name) for name in getattr(self, _FIELDS)]


def _restore(self: Any, state: Sequence[Any]) -> None:
    for name, value in zip(getattr(self, _FIELDS), state, strict=True):
        object.__setattr__(self, name, value)


def _replace(instance: Any, /, **changes: Any) -> Any:
    """A copy of an instance with other values in some fields."""
    fields: Mapping[str, _Field] | None = getattr(instance, _FIELDS, None)
    if fields is None:
        import dataclasses

        return dataclasses.replace(instance, **changes)
    for name, field in fields.items():
        if field.init and name not in changes:
            changes[name] = getattr(instance, name)
    return instance.__class__(**changes)


if TYPE_CHECKING:
    # A checker knows what the standard library's do.
    from dataclasses import dataclass, field, replace
else:
    dataclass, field, replace = _dataclass, _Field, _replace

__all__ = ["dataclass", "field", "replace"]
