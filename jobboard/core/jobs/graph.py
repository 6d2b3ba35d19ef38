"""Jobs as a graph: which run after which, and which share a lock. Drawn as text, DOT or Mermaid."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobboard.core.names import split_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobboard.core.jobs.model import Spec


@dataclass(frozen=True, slots=True)
class Edge:
    """A job and one that runs after it, or whose runs wait for it.

    Attributes:
        on: How the parent's run has to end: ``success``, ``finished`` or ``failed``.
        fresh: Of a child that waits at its own nominals: ``latest``, ``all`` or ``any`` of the parent's.
        window: Whether the child comes once a window.
    """

    parent: str
    child: str
    on: str = "success"
    fresh: str | None = None
    window: bool = False

    @property
    def words(self) -> str:
        """What is special about it; empty for the usual."""
        waits = f"waits for {self.fresh}" if self.fresh else "once a window" if self.window else ""
        return ", ".join(part for part in (waits, "" if self.on == "success" else self.on) if part)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        kind = "needs" if self.fresh else "after"
        said = {"from": self.parent, "to": self.child, "kind": kind, "on": self.on}
        return {**said, "fresh": self.fresh} if self.fresh else {**said, "window": self.window}


@dataclass(frozen=True, slots=True)
class Graph:
    """Jobs and what joins them.

    Attributes:
        jobs: Addresses, in the order of the files; those that are only named as parents last.
        edges: Who runs after whom, each once.
        locks: Lock -> its capacity and the jobs that hold it.
        unknown: Parents that are on none of the boards at hand.
    """

    jobs: tuple[str, ...]
    edges: tuple[Edge, ...]
    locks: Mapping[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()

    def as_json(self) -> dict[str, Any]:
        """For programs; keys are stable."""
        return {
            "format_version": "1.0",
            "jobs": list(self.jobs),
            "edges": [edge.as_json() for edge in self.edges],
            "locks": [
                {"name": name, "capacity": size, "jobs": list(jobs)}
                for name, (size, jobs) in self.locks.items()
            ],
            "unknown": sorted(self.unknown),
        }


def graph_of(specs: Mapping[str, Spec], *, locks: bool = False) -> Graph:
    """The graph of jobs by address: those that are joined to any other.

    Args:
        specs: Of all boards at hand; no circle among them.
        locks: Whether sharing a lock joins jobs too.
    """
    edges = tuple(edge for child, spec in specs.items() for edge in _edges_to(child, spec))
    holders: defaultdict[str, list[str]] = defaultdict(list)
    sizes: dict[str, int] = {}
    for address, spec in specs.items() if locks else ():
        for name, size in spec.get("locks", {}).items():
            holders[name].append(address)
            sizes[name] = size
    joined = {address for edge in edges for address in (edge.parent, edge.child)}.union(*holders.values())
    unknown = joined - specs.keys()
    jobs = (*(address for address in specs if address in joined), *sorted(unknown))
    shared = {name: (sizes[name], tuple(holders[name])) for name in sorted(holders)}
    return Graph(jobs, edges, shared, frozenset(unknown))


def _edges_to(child: str, spec: Spec) -> Iterator[Edge]:
    for parent in spec.get("after", ()):
        yield Edge(parent, child, spec.get("on", {}).get(parent, "success"), window="schedule" in spec)
    for parent, said in spec.get("needs", {}).items():
        yield Edge(parent, child, said.get("on", "success"), said.get("fresh", "latest"))


def as_text(graph: Graph) -> Iterator[str]:
    """Lines: each job that runs after none, what runs after it below it, then the locks.

    What runs after several stands below each of them, and what is below it only the first time.
    """
    children: defaultdict[str, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        children[edge.parent].append(edge)
    later = {edge.child for edge in graph.edges}
    drawn: set[str] = set()
    for job in graph.jobs:
        if job in children and job not in later:
            yield job + ("  (on no board here)" if job in graph.unknown else "")
            yield from _branches(job, children, drawn)
    for name, (size, jobs) in graph.locks.items():
        yield f"lock {name} ({size} at once)"
        for job in jobs:
            yield f"{'└─' if job == jobs[-1] else '├─'} {job}"


def _branches(root: str, children: Mapping[str, list[Edge]], drawn: set[str]) -> Iterator[str]:
    stack = [(edge, "", edge is children[root][-1]) for edge in reversed(children[root])]
    while stack:
        edge, indent, is_last = stack.pop()
        below = children.get(edge.child, [])
        remarks = [edge.words] if edge.words else []
        if below and edge.child in drawn:
            remarks, below = [*remarks, "drawn above"], []
        drawn.add(edge.child)
        remark = f"  ({', '.join(remarks)})" if remarks else ""
        yield f"{indent}{'└─' if is_last else '├─'} {edge.child}{remark}"
        deeper = indent + ("   " if is_last else "│  ")
        stack += [(each, deeper, each is below[-1]) for each in reversed(below)]


def as_dot(graph: Graph) -> Iterator[str]:
    """Lines of Graphviz's language; a board is a cluster."""
    yield "digraph jobs {"
    yield "  rankdir=LR;"
    yield "  node [shape=box];"
    for number, (board, jobs) in enumerate(_by_board(graph).items()):
        yield f"  subgraph cluster_{number} {{"
        yield f"    label={_quoted(board)};"
        for address in jobs:
            style = ", style=dashed" if address in graph.unknown else ""
            yield f"    {_quoted(address)} [label={_quoted(split_address(address)[1])}{style}];"
        yield "  }"
    for edge in graph.edges:
        style = ", style=dashed" if edge.fresh else ""
        label = f" [label={_quoted(edge.words)}{style}]" if edge.words else ""
        yield f"  {_quoted(edge.parent)} -> {_quoted(edge.child)}{label};"
    for name, (size, holders) in graph.locks.items():
        lock = _quoted(f"lock {name}")
        yield f"  {lock} [shape=diamond, label={_quoted(f'{name} ({size})')}];"
        for job in holders:
            yield f"  {_quoted(job)} -> {lock} [dir=none, style=dotted];"
    yield "}"


def as_mermaid(graph: Graph) -> Iterator[str]:
    """Lines of Mermaid's flowchart language, which GitHub and GitLab draw; a board is a subgraph."""
    ids = {address: f"j{number}" for number, address in enumerate(graph.jobs)}
    yield "flowchart LR"
    for number, (board, jobs) in enumerate(_by_board(graph).items()):
        yield f"  subgraph b{number}[{_quoted(board)}]"
        for address in jobs:
            yield f"    {ids[address]}[{_quoted(split_address(address)[1])}]"
        yield "  end"
    for edge in graph.edges:
        label = f"|{_quoted(edge.words)}|" if edge.words else ""
        yield f"  {ids[edge.parent]} {'-.->' if edge.fresh else '-->'}{label} {ids[edge.child]}"
    for number, (name, (size, holders)) in enumerate(graph.locks.items()):
        yield f"  l{number}{{{{{_quoted(f'{name} ({size})')}}}}}"
        for job in holders:
            yield f"  {ids[job]} -.- l{number}"


def _by_board(graph: Graph) -> dict[str, list[str]]:
    boards: dict[str, list[str]] = {}
    for address in graph.jobs:
        boards.setdefault(split_address(address)[0], []).append(address)
    return boards


def _quoted(text: str) -> str:
    """Names hold neither quotes nor backslashes, in either language."""
    return f'"{text}"'
