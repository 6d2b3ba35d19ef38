"""Our data classes do what the standard library's do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any, ClassVar

import pytest

from jobboard import dataclass as ours


@ours.dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 0
    notes: dict[str, int] = ours.field(default_factory=dict)
    seen: int = ours.field(default=0, compare=False, repr=False)
    unit: ClassVar[str] = "mm"

    @property
    def far(self) -> bool:
        return self.x > 9


@ours.dataclass(frozen=True, slots=True)
class Solid(Point):
    z: int = 0


@ours.dataclass(slots=True)
class Tally:
    name: str
    found: list[int] = ours.field(default_factory=list)
    missing: bool = False
    _sum: int = ours.field(default=0, init=False)

    def __post_init__(self) -> None:
        self._sum = sum(self.found)


@ours.dataclass(frozen=True, slots=True)
class Nothing:
    pass


@dataclasses.dataclass(frozen=True, slots=True)
class Standard:
    x: int
    y: int = 0
    notes: dict[str, int] = dataclasses.field(default_factory=dict)
    seen: int = dataclasses.field(default=0, compare=False, repr=False)


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}),
    ((1, 2), {}),
    ((), {"x": 1, "seen": 3}),
    ((1,), {"y": 2, "notes": {"a": 1}}),
    ((), {}),
    ((1, 2, {}, 4, 5), {}),
    ((1,), {"x": 1}),
    ((1,), {"z": 1}),
]


@pytest.mark.parametrize(("values", "named"), CALLS)
def test_an_instance_is_made_and_shown_as_the_standard_one(
    values: tuple[Any, ...], named: dict[str, Any]
) -> None:
    said = [_said(each, values, named) for each in (Point, Standard)]
    assert said[0] == said[1].replace("Standard", "Point")


def _said(kind: Any, values: tuple[Any, ...], named: dict[str, Any]) -> str:
    try:
        return repr(kind(*values, **named))
    except TypeError as error:
        return str(error)


def test_equal_fields_are_equal_instances_with_one_hash() -> None:
    assert Point(1, 2) == Point(1, 2, seen=7)
    assert Point(1, 2) != Point(1, 3)
    assert Point(1, 2) != Solid(1, 2)
    assert Nothing() == Nothing()
    assert len({Nothing(), Nothing()}) == 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(Point(1))  # a dict is in it
    with pytest.raises(TypeError, match="unhashable"):
        hash(Tally("a"))


def test_one_that_is_frozen_never_changes() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match="cannot assign to 'x'"):
        setattr(point, "x", 2)  # noqa: B010 (what is tried)
    with pytest.raises(AttributeError, match="cannot delete 'x'"):
        delattr(point, "x")
    assert point.x == 1


def test_others_change_and_share_no_default() -> None:
    first, second = Tally("a"), Tally("b")
    first.found.append(1)
    first._sum = 1
    assert (second.found, second._sum) == ([], 0)
    with pytest.raises(AttributeError):
        setattr(first, "other", 1)  # noqa: B010 (a slip of the pen)
    with pytest.raises(TypeError, match="would be shared by all"):

        @ours.dataclass(frozen=True, slots=True)
        class Shared:
            found: list[int] = []  # noqa: RUF012 (what is tried)


def test_what_an_instance_begins_with_is_the_last_of_making_it() -> None:
    assert Tally("a", [1, 2])._sum == 3


def test_one_class_builds_on_another() -> None:
    solid = Solid(10, 2, z=3)
    assert (solid.far, solid.unit, solid.z) == (True, "mm", 3)
    assert repr(solid) == "Solid(x=10, y=2, notes={}, z=3)"
    match solid:
        case Solid(x, y):
            assert (x, y) == (10, 2)


def test_a_copy_has_other_values_in_some_fields() -> None:
    for replace in (ours.replace, dataclasses.replace):
        assert replace(Solid(1, 2, seen=5), y=4) == Solid(1, 4)
        assert replace(Solid(1, 2, seen=5), y=4).seen == 5
        with pytest.raises(TypeError, match="unexpected keyword"):
            replace(Point(1), z=2)
    assert ours.replace(Standard(1), y=2) == Standard(1, 2)


def test_the_standard_library_takes_it_for_one_of_its_own() -> None:
    assert dataclasses.is_dataclass(Solid)
    fields = dataclasses.fields(Solid)
    assert [(field.name, field.compare) for field in fields][2:4] == [("notes", True), ("seen", False)]
    assert [field.type for field in dataclasses.fields(Point)][:1] == ["int"]
    assert dataclasses.asdict(Point(1, notes={"a": 1})) == {"x": 1, "y": 0, "notes": {"a": 1}, "seen": 0}


@pytest.mark.parametrize("instance", [Point(1, seen=4), Solid(1, 2, {"a": 3}), Tally("a", [1]), Nothing()])
def test_it_is_copied_and_pickled_whole(instance: Any) -> None:
    for again in (copy.copy(instance), copy.deepcopy(instance), pickle.loads(pickle.dumps(instance))):
        assert again == instance
        assert repr(again) == repr(instance)
        assert getattr(again, "seen", 0) == getattr(instance, "seen", 0)
