"""Where every value of a resolved job comes from: which layer said it, in which file and line, and over what.

Nothing here decides what a job means; `core.jobs.resolve` has done that. This retraces it: the layers of one
job, from the lowest to its own keys, and for each value the layers that spoke of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.model import FIELDS, effective
from jobboard.core.jobs.resolve import COMMANDS, EXTEND
from jobboard.core.jobs.value import READERS
from jobboard.core.times.timing import KINDS, OPTIONS
from jobboard.source.expand import expand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.diagnostic import Path
    from jobboard.source.board import Board
    from jobboard.source.project import Project
    from jobboard.source.yamltree import Tree

RECONCILE = "reconcile"
# Keys by which the canonical schedule names an option that is written in another way.
_STANDS_FOR = {"for": "stop", "window": "cron"}


@dataclass(frozen=True, slots=True)
class Layer:
    """Keys that hold where no layer above says otherwise.

    Attributes:
        name: In words: ``project defaults``, ``board``, ``board defaults``, ``profile NAME``, ``job``.
        file: Where it is written, as messages show it.
        tree, path: Its place in that file.
        keys: As written, variables and items filled in.
    """

    name: str
    file: str
    tree: Tree
    path: Path
    keys: Mapping[str, Any]

    def says(self, key: str, part: str | None = None) -> Source | None:
        """What the layer says of a key, or of a part of a map; None if nothing."""
        if key not in self.keys:
            return None
        value = self.keys[key]
        path = (*self.path, key)
        if part is not None and value is not None:
            parts = _parts(key, value)
            if part not in parts:
                return None
            is_keyed = isinstance(value, dict) and key != "needs"
            value, path = parts[part], (*path, part) if is_keyed else path
        line, column = self.tree.text.position(self.tree.offset(path))
        return Source(self.name, self.file, line, column, value)


@dataclass(frozen=True, slots=True)
class Source:
    """What one layer says.

    Attributes:
        value: As written; None takes the value back to what is built in.
    """

    layer: str
    file: str
    line: int
    column: int
    value: Any


@dataclass(frozen=True, slots=True)
class Explained:
    """One value of a job.

    Attributes:
        path: A field, ``FIELD.KEY`` of a map, or ``schedule.KEY``.
        value: In force; canonical, but for the keys of a schedule, which are as written.
        sources: What the layers say, the one in force last; empty where the value is built in.
    """

    path: str
    value: Any
    sources: tuple[Source, ...]

    @property
    def source(self) -> Source | None:
        """Where the value comes from; None where it is built in."""
        last = self.sources[-1] if self.sources else None
        return last if last is not None and last.value is not None else None


def layers_of(board: Board, job: str, project: Project | None) -> list[Layer]:
    """The layers of a job, from the lowest to its own keys."""
    root, template = board.tree.root, board.templates.get(job, job)
    keys = (expand(root).root if board.templates else root)["jobs"][job]
    layers = list(_common(project, "project defaults", ("defaults",)))
    queue = effective(board.jobs[job], "queue")
    layers += _common(project, f"queue {queue}", ("queues", queue))
    layers.append(Layer("board", board.shown, board.tree, (), _only(root, "timezone")))
    layers.append(Layer("board defaults", board.shown, board.tree, ("defaults",), root.get("defaults", {})))
    extended = keys.get(EXTEND, [])
    for name in [extended] if isinstance(extended, str) else extended:
        path: Path = ("profiles", name)
        if name in root.get("profiles", {}):
            layers.append(Layer(f"profile {name}", board.shown, board.tree, path, root["profiles"][name]))
        else:
            layers += _common(project, f"project profile {name}", path)
    name = "job" if job == template else f"job {template}, for_each"
    return [*layers, Layer(name, board.shown, board.tree, ("jobs", template), keys)]


def _common(project: Project | None, name: str, path: Path) -> Iterator[Layer]:
    """The layer of the project file at a path, if it is there."""
    tree = project.tree if project is not None else None
    if project is None or tree is None:
        return
    keys = tree.root
    for step in path:
        keys = keys.get(step, {})
    if keys:
        yield Layer(name, project.shown, tree, path, keys)


def explain(board: Board, job: str, project: Project | None) -> list[Explained]:
    """Every value of a job, in the order of `core.jobs.model.FIELDS`, with where it comes from."""
    layers = layers_of(board, job, project)
    spec = board.jobs[job]
    found: list[Explained] = []
    for field, known in FIELDS.items():
        if field == "seed":
            continue  # only a job in the store has one
        if field == "command":
            found += _either(layers, COMMANDS, spec.get(field), field)
        elif field == "schedule":
            found += _schedule(layers, spec.get(field))
        elif known.kind == "map":
            found += _map(layers, field, spec.get(field, {}))
        else:
            found.append(Explained(field, effective(spec, field), _sources(layers, field)))
    return [*found, *_policies(board, project)]


def _policies(board: Board, project: Project | None) -> Iterator[Explained]:
    """What becomes of live edits, as far as anybody says so."""
    layers = list(_common(project, "project", (RECONCILE,)))
    if project is not None and project.environment is not None:
        path: Path = ("environments", project.environment, RECONCILE)
        layers += _common(project, f"environment {project.environment}", path)
    if board.reconcile:
        layers.append(Layer("board", board.shown, board.tree, (RECONCILE,), board.reconcile))
    keys = ("on_drift", "on_conflict")
    for key in (*keys, "on_prune"):
        if sources := _sources(layers, key):
            yield Explained(f"{RECONCILE}.{key}", sources[-1].value, sources)
    for field in dict.fromkeys(name for layer in layers for name in layer.keys.get("fields", {})):
        for key in keys:
            said = [source for layer in layers for source in _of_field(layer, field, key)]
            if any(source.layer.endswith(field) for source in said):
                yield Explained(f"{RECONCILE}.fields.{field}.{key}", said[-1].value, tuple(said))


def _of_field(layer: Layer, field: str, key: str) -> Iterator[Source]:
    """What a layer says of one key of the policy for a field: for every field, then for this one."""
    general = layer.says(key)
    if general is not None:
        yield general
    own = layer.keys.get("fields", {}).get(field, {})
    below = Layer(f"{layer.name}, {field}", layer.file, layer.tree, (*layer.path, "fields", field), own)
    particular = below.says(key)
    if particular is not None:
        yield particular


def _sources(layers: Sequence[Layer], key: str, part: str | None = None) -> tuple[Source, ...]:
    said = (layer.says(key, part) for layer in layers)
    return tuple(source for source in said if source is not None)


def _either(layers: Sequence[Layer], keys: Sequence[str], value: Any, field: str) -> Iterator[Explained]:
    """A field that is written in one of several keys: the uppermost layer with one of them has it."""
    said = [source for layer in layers for key in keys if (source := layer.says(key)) is not None]
    yield Explained(field, value, tuple(said))


def _schedule(layers: Sequence[Layer], schedule: Any) -> Iterator[Explained]:
    kinds = [kind for kind in KINDS if kind != "after"]
    if schedule is None:
        yield Explained("schedule", None, ())
        return
    yield from _either(layers, (*kinds, "window"), schedule, "schedule")
    for key in (*kinds, *OPTIONS):
        sources = _sources(layers, key)
        if sources and sources[-1].value is not None and _STANDS_FOR.get(key, key) in schedule:
            yield Explained(f"schedule.{key}", sources[-1].value, sources)


def _map(layers: Sequence[Layer], field: str, value: Mapping[str, Any]) -> Iterator[Explained]:
    if not value:
        yield Explained(field, None, _sources(layers, field)[-1:])
    for key, part in value.items():
        if field == "on":
            sources = _sources(layers, "after")
        else:
            # A job that is needed may be named without its board.
            sources = _sources(layers, field, key) or _sources(layers, field, key.rpartition("/")[2])
        yield Explained(f"{field}.{key}", part, sources)


def _parts(key: str, value: Any) -> Mapping[str, Any]:
    """The parts of a map, however it is written: locks may be a list or a word."""
    read = value if isinstance(value, dict) else READERS[key](value, (key,), [])
    return read if isinstance(read, dict) else {}


def _only(root: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return {key: root[key]} if root.get(key) is not None else {}
