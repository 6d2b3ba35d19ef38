from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jobboard.source import yamltree
from jobboard.source.files import SIZE_LIMIT
from jobboard.source.scalar import plain_scalar, quoted
from jobboard.source.syntax import decode, parse
from jobboard.source.text import Text
from jobboard.source.yamltree import Broken, Flaw, Tree, build


@pytest.fixture(params=["libyaml", "pure"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "pure":
        monkeypatch.setattr(yamltree, "Loader", yaml.SafeLoader)
    return str(request.param)


def tree_of(text: str) -> Tree:
    return build(Text(text))


def place(tree: Tree, *path: str | int, key: bool = False) -> tuple[int, int]:
    return tree.text.position(tree.offset(path, key=key))


def test_every_key_and_value_has_a_place(reader: str) -> None:
    tree = tree_of("board: ops\njobs:\n  日本: {run: 'a', tags: [x, y]}\n  b:\n    run: 1\n")
    assert place(tree, "board") == (1, 8)
    assert place(tree, "board", key=True) == (1, 1)
    assert place(tree, "jobs") == (2, 1)
    assert place(tree, "jobs", "日本", "run") == (3, 13)
    assert place(tree, "jobs", "日本", "tags", 1) == (3, 28)
    assert place(tree, "jobs", "b", "run") == (5, 10)
    assert place(tree, "jobs", "b", "nothing", "there") == (4, 3)
    assert reader


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("0", 0), ("-12", -12), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5),
        ("yes", "yes"), ("on", "on"), ("no", "no"), ("12:30", "12:30"), ("08", "08"), ("010", "010"),
        ("0x1f", "0x1f"), ("+5", "+5"), (".inf", ".inf"), (".nan", ".nan"), ("1.", "1."),
        ("2026-01-01", "2026-01-01"), ("1_000", "1_000"), ("12345678901234567890", "12345678901234567890"),
        ("٣", "٣"),
    ],
)  # fmt: skip
def test_words_mean_what_yaml_1_2_says(word: str, value: Any, reader: str) -> None:
    found = tree_of(f"key: {word}\n").root["key"]
    assert found == value
    assert type(found) is type(value)
    assert reader


def test_keys_are_text_whatever_they_look_like(reader: str) -> None:
    assert tree_of("on: 1\n08: 2\ntrue: 3\n1: 4\n~: 5\n").root == {
        "on": 1,
        "08": 2,
        "true": 3,
        "1": 4,
        "~": 5,
    }
    assert reader


def test_quotes_and_tags_make_text() -> None:
    tree = tree_of("a: '5'\nb: !!str 5\nc: ! '5'\nd: !!int 5\ne: !!bool true\nf: |\n  5\n")
    assert tree.root == {"a": "5", "b": "5", "c": "5", "d": 5, "e": True, "f": "5\n"}
    assert tree.flaws == []


@pytest.mark.parametrize("text", ["a: !foo b", "a: !!binary b", "a: !!int x", "a: !!set {b: c}", "a: !x [b]"])
def test_other_tags_are_flaws(text: str) -> None:
    assert [flaw.offset for flaw in tree_of(text).flaws] == [3]


def test_equal_keys_are_a_flaw_with_both_places(reader: str) -> None:
    (flaw,) = tree_of("a: 1\nb: 2\na: 3\n").flaws
    assert flaw.offset == 10
    assert "line 1, column 1" in flaw.message
    assert reader


def test_merge_keys_give_way_to_own_keys_and_to_earlier_ones(reader: str) -> None:
    tree = tree_of(
        "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  <<: [*x, *y]\n  a: 5\nw: {<<: *x}\n'<<': 1\n"
    )
    assert tree.root["z"] == {"a": 5, "b": 2, "c": 4}
    assert tree.root["w"] == {"a": 1, "b": 2}
    assert tree.root["<<"] == 1
    assert place(tree, "z", "a") == (5, 6)
    assert place(tree, "z", "c") == (2, 17)
    assert reader


def test_an_alias_is_the_same_value_at_its_own_place(reader: str) -> None:
    tree = tree_of("a: &a 5m\nb: *a\nc: &c [1]\nd: *c\n")
    assert tree.root == {"a": "5m", "b": "5m", "c": [1], "d": [1]}
    assert place(tree, "b") == (2, 4)
    assert place(tree, "d") == (4, 1)
    assert reader


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no board"),
        ("# nothing\n", "holds no board"),
        ("null\n", "holds no board"),
        ("a: 1\n---\nb: 2\n", "second document"),
        ("a: &a [*a]\n", "inside what it refers to"),
        ("? [a]\n: b\n", "must be a word"),
        ("[" * 100 + "]" * 100, "levels deep"),
        ("- " * 100 + "a", "levels deep"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, words: str, reader: str) -> None:
    with pytest.raises(Broken, match=words):
        tree_of(text)
    assert reader


def test_a_bomb_is_defused_without_expanding_it() -> None:
    lines = ["x0: &x0 [lol, lol, lol]"]
    lines += [f"x{n}: &x{n} [*x{n - 1}, *x{n - 1}, *x{n - 1}]" for n in range(1, 60)]
    with pytest.raises(Broken, match="expand"):
        tree_of("\n".join(lines))
    scalar = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * (SIZE_LIMIT // 100_000))}]\n"
    with pytest.raises(Broken, match="expand"):
        tree_of(scalar)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**16), 10**16) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


class Plainly(yaml.SafeDumper):
    """Writes no aliases."""

    def ignore_aliases(self, _value: object) -> bool:
        return True


@given(st.dictionaries(st.text(max_size=6), JSON, min_size=1, max_size=4), st.booleans())
def test_what_is_dumped_is_read_back(value: dict[str, Any], flow: bool) -> None:
    text = yaml.dump(value, Dumper=Plainly, default_flow_style=flow, default_style='"', allow_unicode=True)
    tree = parse(Text(text))
    assert tree.flaws == []
    assert repr(tree.root) == repr(_in_order(value))


def _in_order(value: Any) -> Any:
    """As the dumper writes it."""
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    return [_in_order(each) for each in value] if isinstance(value, list) else value


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_at_all_raise(raw: bytes) -> None:
    text = decode(raw)
    if isinstance(text, Flaw):
        assert text.message
        return
    tree = parse(text)
    assert tree.root is not None or tree.flaws
    for flaw in tree.flaws:
        assert -1 <= flaw.offset <= len(text.content)


WORDS = """board:·ops↵ jobs:↵ ··a:↵ ····run:·x↵ ····cron:·*·*·*↵ → · -· [ ] { } " ' &a· *a !t· :· # | > % @
    ` ? , ↵ ---↵ ...↵ <<:· é \\ a 1"""
SNIPPETS = st.lists(
    st.sampled_from([word.translate(str.maketrans("·↵→", " \n\t")) for word in WORDS.split()]), max_size=25
).map("".join)


@given(SNIPPETS)
def test_no_yaml_soup_raises_and_every_flaw_has_a_place(soup: str) -> None:
    text = decode(soup.encode())
    if isinstance(text, Flaw):
        return
    tree = parse(text)
    assert tree.root is not None or tree.flaws
    for flaw in tree.flaws:
        if flaw.offset >= 0:
            line, column = text.position(flaw.offset)
            assert 1 <= column <= len(text.line(line)) + 2


@given(SNIPPETS)
def test_the_pure_reader_agrees_with_libyaml(soup: str) -> None:
    results = []
    for loader in (yaml.CSafeLoader, yaml.SafeLoader):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(yamltree, "Loader", loader)
            try:
                tree = build(Text(soup))
            except (Broken, yaml.YAMLError):
                return
            results.append((tree.root, {key: list(places) for key, places in _by_path(tree).items()}))
    assert results[0] == results[1]


def _by_path(tree: Tree) -> dict[tuple[str | int, ...], list[int]]:
    found: dict[tuple[str | int, ...], list[int]] = {}
    stack: list[tuple[tuple[str | int, ...], Any]] = [((), tree.root)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict | list):
            found[path] = list(tree.places[id(value)])
            steps = value.items() if isinstance(value, dict) else enumerate(value)
            stack.extend(((*path, step), each) for step, each in steps)
    return found


ONE_LINE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="\ufeff"))


@given(ONE_LINE.map(str.strip))
def test_quoted_text_is_read_back_as_it_is(text: str) -> None:
    assert build(Text(f"key: {quoted(text)}")).root == {"key": text}


@given(st.text(max_size=12))
def test_a_word_is_text_or_is_written_the_way_it_reads(word: str) -> None:
    value = plain_scalar(word)
    if isinstance(value, int) and not isinstance(value, bool):
        assert str(value) == word or word == "-0"
