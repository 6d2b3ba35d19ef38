"""The nodes of a YAML text with their places, for whoever rewrites the text itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from jobboard.source.yamltree import Loader

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Node:
    """One value of the text, with its place."""

    start: Any
    end: Any
    kind: str
    flow: bool = False
    quote: str = ""
    text: str = ""
    # Of a map: keys and values by turns. Of a list: its items.
    parts: list[Node] = field(default_factory=list)
    # Whether order may carry meaning: an anchor, an alias or a merge key is in it, or such a block text.
    tied: bool = False
    # Whether it is a block text that keeps the blank lines below it.
    keeps: bool = False

    @property
    def entries(self) -> list[tuple[Node, Node]]:
        """Of a map: its keys, each with its value."""
        return list(zip(self.parts[::2], self.parts[1::2], strict=True))

    def entry(self, key: str) -> tuple[Node, Node] | None:
        """The entry of a key that a map says itself."""
        return next((entry for entry in self.entries if entry[0].text == key), None)


def read_nodes(content: str) -> Node | None:
    """The tree of a text; None where there is nothing in it."""
    stack: list[Node] = []
    root: Node | None = None
    for event in yaml.parse(content, Loader):
        node = _opened(event, content)
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            node = stack.pop()
            node.end = event.end_mark
        elif node is not None and node.kind in ("map", "list"):
            stack.append(node)
            continue
        if node is None:
            continue
        if not stack:
            root = node
            continue
        stack[-1].parts.append(node)
        stack[-1].tied |= node.tied
    return root


def _opened(event: Any, content: str) -> Node | None:
    marks = event.start_mark, event.end_mark
    if isinstance(event, yaml.ScalarEvent):
        is_merge = event.value == "<<" and not event.style
        tied = event.anchor is not None or event.tag is not None or is_merge
        keeps = _keeps_blanks(event, content)
        quote = event.style or ""
        return Node(*marks, "scalar", quote=quote, text=event.value, tied=tied or keeps, keeps=keeps)
    if isinstance(event, yaml.AliasEvent):
        return Node(*marks, "alias", tied=True)
    if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
        kind = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
        return Node(*marks, kind, flow=bool(event.flow_style), tied=event.anchor is not None)
    return None


def _keeps_blanks(event: Any, content: str) -> bool:
    """Whether it is a block text whose head says ``+``."""
    head = (
        content[event.start_mark.index : event.end_mark.index].partition("\n")[0]
        if event.style in ("|", ">")
        else ""
    )
    return "+" in head.partition("#")[0]


def scalars(node: Node, key: str = "") -> Iterator[tuple[Node, str]]:
    """Every scalar with the key it stands behind."""
    stack = [(node, key)]
    while stack:
        each, behind = stack.pop()
        if each.kind == "scalar":
            yield each, behind
        elif each.kind == "map":
            stack += [(name, "") for name in each.parts[::2]]
            stack += [(value, name.text) for name, value in each.entries]
        else:
            stack += [(part, behind) for part in each.parts]
