"""A YAML file as plain values, with the place of every key and value.

Built on PyYAML's event stream (libyaml's where it is there): its own loaders keep no places, keep the last
of two equal keys silently, and read ``12:30`` as 750. Values are plain dicts, lists and scalars, so that
whoever reads them needs nothing from here; places are kept beside them, one integer each, and are only
turned into lines and columns when something is to be said.

The builder is iterative. Depth is capped, and so is what aliases expand to: they share one object here, but
whoever walks the tree would see it many times.
"""

from __future__ import annotations

import gc
from array import array
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml
from yaml import events

from jobboard.source.files import SIZE_LIMIT
from jobboard.source.scalar import plain_scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jobboard.source.text import Text

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

DEPTH_LIMIT = 40

EMPTY_HINT = "Write  board: NAME  and  jobs:  below it. To remove a board, remove its file"
_BRACES_HINT = "Quote text that begins with { or ["

_CORE = "tag:yaml.org,2002:"
_MERGE = object()
_Places: TypeAlias = "array[int]"


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong with the YAML itself, at an offset of the text; -1 means the file as a whole."""

    offset: int
    message: str
    hint: str | None = None
    length: int = 1


class Broken(Exception):
    """The YAML cannot be read any further."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.message)
        self.flaw = flaw


@dataclass(slots=True)
class Tree:
    """The one document of a file.

    Attributes:
        root: Plain dicts with text keys, lists and scalars. Shared where the file uses aliases: never
            change anything in it.
        flaws: What is wrong with it as YAML, short of being unreadable: keys written twice, unknown aliases.
    """

    text: Text
    root: Any
    flaws: list[Flaw] = field(default_factory=list)
    start: int = 0
    places: dict[int, _Places] = field(default_factory=dict)
    # Container -> key -> its row in `places`; made for a container when it is first asked about.
    _rows: dict[int, dict[str, int]] = field(default_factory=dict, repr=False)

    def offset(self, path: tuple[str | int, ...], *, key: bool = False) -> int:
        """Where in the text `path` leads.

        A value's place is its own if it is a scalar or an item of a list, else its key's, since a block
        begins on the next line. Where the path leaves the tree, it is the place of the last step in it.

        Args:
            path: Keys and indexes from the root.
            key: Whether the key itself is meant, not what stands beside it.
        """
        place, value = self.start, self.root
        for index, step in enumerate(path):
            found = self._step(value, step)
            if found is None:
                break
            key_place, value_place, value = found
            last = index == len(path) - 1
            keyed = key_place is not None and ((key and last) or isinstance(value, dict | list))
            place = key_place if keyed and key_place is not None else value_place
        return place

    def shift(self, path: tuple[str | int, ...], index: int) -> int:
        """How far from the place of the text at `path` its character `index` stands; 0 if not as it is."""
        value = self.root
        for step in path:
            found = self._step(value, step)
            if found is None:
                return 0
            value = found[2]
        begin = self.offset(path)
        quotes = self.text.content[begin : begin + 1] in ("'", '"')
        as_it_is = isinstance(value, str) and self.text.content.startswith(value, begin + quotes)
        return index + quotes if as_it_is else 0

    def _step(self, value: Any, step: str | int) -> tuple[int | None, int, Any] | None:
        places = self.places.get(id(value))
        if places is None:
            return None
        if isinstance(value, dict) and isinstance(step, str) and step in value:
            rows = self._rows.get(id(value))
            if rows is None:
                rows = self._rows[id(value)] = {key: row for row, key in enumerate(value)}
            row = 2 * rows[step]
            return places[row], places[row + 1], value[step]
        if isinstance(value, list) and isinstance(step, int) and step < len(value):
            return None, places[step], value[step]
        return None


def build(text: Text, content: str | None = None) -> Tree:
    """Read the one document of `text`.

    Args:
        text: What positions refer to.
        content: What to read instead of the text's own content; as long, and with the same lines.

    Raises:
        Broken: The document is empty, is more than one, nests too deep or expands too far.
        yaml.MarkedYAMLError: It is not YAML; see `source.syntax` for what to say then.
    """
    with _collector_paused():
        return _Builder(text).build(text.content if content is None else content)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Nothing made while loading is garbage, and looking for some took three quarters of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is still open."""

    container: dict[str, Any] | list[Any]
    places: list[int]
    start: int
    anchor: str | None
    expanded: int
    key: Any = None
    key_start: int = 0
    merges: list[tuple[Any, int]] = field(default_factory=list)


class _Builder:
    """One reading of one text."""

    def __init__(self, text: Text) -> None:
        self.tree = Tree(text, None)
        self._frame: _Frame | None = None
        self._stack: list[_Frame | None] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._open_anchors: list[str] = []
        # Characters that aliases stand for beyond what is written.
        self._expanded = 0
        self._words: dict[str, Any] = {}
        self._documents = 0

    def build(self, content: str) -> Tree:
        loader = Loader(content)
        steps: Mapping[type, Callable[[Any], None]] = {
            events.ScalarEvent: self._scalar,
            events.MappingStartEvent: self._open_mapping,
            events.MappingEndEvent: self._close,
            events.SequenceStartEvent: self._open_list,
            events.SequenceEndEvent: self._close,
            events.AliasEvent: self._alias,
            events.DocumentStartEvent: self._document,
        }
        try:
            for event in iter(loader.get_event, None):
                step = steps.get(type(event))
                if step is not None:
                    step(event)
        finally:
            loader.dispose()
        if self._documents == 0 or self.tree.root is None:
            raise Broken(
                Flaw(-1, "the file holds no board; an empty file is never an empty board", EMPTY_HINT)
            )
        return self.tree

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            hint = "Put each board in a file of its own"
            raise Broken(Flaw(event.start_mark.index, "a second document begins here", hint, 3))

    def _scalar(self, event: Any) -> None:
        text = event.value
        frame = self._frame
        start = event.start_mark.index
        value: Any = text
        if event.implicit[0] and not event.style:  # neither quoted nor tagged
            if frame is not None and frame.key is None and type(frame.container) is dict:
                value = _MERGE if text == "<<" else text
            elif text in self._words:
                value = self._words[text]
            else:
                value = self._words[text] = plain_scalar(text)
        elif event.tag is not None:
            value = self._tagged(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, len(text))
        self._attach(value, start)

    def _tagged(self, event: Any) -> Any:
        """The value of a scalar with a tag: ``!!str`` makes text, the core's other tags say what it is."""
        name = event.tag.removeprefix(_CORE)
        if event.tag in ("!", _CORE + "str"):
            return event.value
        value = plain_scalar(event.value)
        if name == {int: "int", float: "float", bool: "bool", type(None): "null"}.get(type(value)):
            return value
        return self._refuse_tag(event, event.value)

    def _refuse_tag(self, event: Any, value: Any) -> Any:
        shown = event.tag.replace(_CORE, "!!")
        hint = f"Quote the value if {shown} is part of it, else leave the tag out"
        self.tree.flaws.append(Flaw(event.start_mark.index, f"the tag {shown} means nothing here", hint))
        return value

    def _open_mapping(self, event: Any) -> None:
        if event.tag not in (None, "!", _CORE + "map"):
            self._refuse_tag(event, None)
        self._open(event, {})

    def _open_list(self, event: Any) -> None:
        if event.tag not in (None, "!", _CORE + "seq"):
            self._refuse_tag(event, None)
        self._open(event, [])

    def _open(self, event: Any, container: dict[str, Any] | list[Any]) -> None:
        start = event.start_mark.index
        frame = self._frame
        if frame is not None and frame.key is None and type(frame.container) is dict:
            raise Broken(Flaw(start, "a key must be a word, not a map or a list", _BRACES_HINT))
        if len(self._stack) >= DEPTH_LIMIT:
            raise Broken(Flaw(start, f"nested more than {DEPTH_LIMIT} levels deep"))
        if event.anchor is not None:
            self._open_anchors.append(event.anchor)
        self._stack.append(frame)
        self._frame = _Frame(container, [], start, event.anchor, self._expanded)

    def _close(self, event: Any) -> None:
        frame = self._frame
        assert frame is not None
        if frame.merges:
            self._merge(frame)
        self.tree.places[id(frame.container)] = array("I", frame.places)
        if frame.anchor is not None:
            self._open_anchors.remove(frame.anchor)
            written = event.end_mark.index - frame.start
            self._anchors[frame.anchor] = (frame.container, written + self._expanded - frame.expanded)
        self._frame = self._stack.pop()
        self._attach(frame.container, frame.start)

    def _alias(self, event: Any) -> None:
        start, name = event.start_mark.index, event.anchor
        if name in self._open_anchors:
            raise Broken(Flaw(start, f"*{name} stands inside what it refers to", None, len(name) + 1))
        value, size = self._anchors.get(name, (None, 0))
        if name not in self._anchors:
            self._unknown_alias(start, name)
        self._expanded += size
        # What aliases expand to counts like text: no file may be larger, written out or not.
        if self._expanded + len(self.tree.text.content) > SIZE_LIMIT:
            raise Broken(Flaw(start, "aliases expand this file beyond 16 MiB", None, len(name) + 1))
        self._attach(value, start)

    def _unknown_alias(self, start: int, name: str) -> None:
        meant = f'Write  "*{name}"  if it is text, or &{name} before what it should refer to'
        hint = self.tree.text.quoting_hint(start) or meant
        flaw = Flaw(start, f"YAML reads *{name} as an alias, and nothing is anchored as &{name}", hint)
        self.tree.flaws.append(flaw)
        self.tree.text.scar(start)

    def _attach(self, value: Any, start: int) -> None:
        """Put a finished value where it belongs: in the open list, or as the open mapping's key or value."""
        frame = self._frame
        if frame is None:
            self.tree.root, self.tree.start = value, start
            return
        container = frame.container
        if isinstance(container, list):
            container.append(value)
            frame.places.append(start)
        elif frame.key is None:
            frame.key, frame.key_start = self._key(value, start), start
        else:
            self._set(frame, container, value, start)
            frame.key = None

    def _key(self, value: Any, start: int) -> Any:
        if isinstance(value, str) or value is _MERGE:
            return value
        raise Broken(Flaw(start, "a key must be a word, not a map or a list", _BRACES_HINT))

    def _set(self, frame: _Frame, container: dict[str, Any], value: Any, start: int) -> None:
        key = frame.key
        if key is _MERGE:
            frame.merges.append((value, start))
        elif key in container:
            self._twice(frame, container)
        else:
            container[key] = value
            frame.places.append(frame.key_start)
            frame.places.append(start)

    def _twice(self, frame: _Frame, container: dict[str, Any]) -> None:
        first = frame.places[2 * list(container).index(frame.key)]
        line, column = self.tree.text.position(first)
        message = f'"{frame.key}" is written twice, first at line {line}, column {column}'
        self.tree.flaws.append(Flaw(frame.key_start, message, "Keep one of them", len(frame.key)))

    def _merge(self, frame: _Frame) -> None:
        """Take the keys of ``<<`` that the mapping does not have itself; of several, the first wins."""
        for value, start in frame.merges:
            for source in value if isinstance(value, list) else [value]:
                if isinstance(source, dict):
                    self._merge_one(frame, source)
                else:
                    self.tree.flaws.append(Flaw(start, "<< takes a map or a list of maps"))

    def _merge_one(self, frame: _Frame, source: dict[str, Any]) -> None:
        container = frame.container
        assert isinstance(container, dict)
        places = self.tree.places[id(source)]
        for index, (key, value) in enumerate(source.items()):
            if key not in container:
                container[key] = value
                frame.places.extend(places[2 * index : 2 * index + 2])
