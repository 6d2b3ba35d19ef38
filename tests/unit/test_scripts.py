"""Every Lua script does what its header says, uses keys that `keys.KEYS` knows, and loads."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

import pytest
from kit import lua

from jobboard.store.calls import connect, functions, scripts
from jobboard.store.calls.keys import KEYS

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store

SCRIPTS = scripts.script_names()
INCLUDES = sorted(
    f.name.removesuffix(".lua") for f in (files("jobboard.store") / "lua" / "include").iterdir()
)
SOURCES = {f"{name}.lua": scripts.source_of(name) for name in SCRIPTS} | {
    f"include/{name}.lua": scripts.include_source(name) for name in INCLUDES
}
# The one include that is a value: the call's arguments, decoded once.
VALUES = {"arguments"}
TYPE_BY_SHAPE = {lua.shape(kind.pattern): kind.type for kind in KEYS.values()}
FLAGS = {"allow-oom", "no-writes"}
# Commands whose time grows with the whole store, or that leave the namespace.
FORBIDDEN = {"KEYS", "SCAN", "SORT", "FLUSHALL", "FLUSHDB", "SELECT", "EVAL", "RANDOMKEY"}
# How a command's first letters tell the type of its key.
TYPE_BY_COMMAND = [
    (r"H", "HASH"),
    (r"Z", "ZSET"),
    (r"X", "STREAM"),
    (r"S(ADD|CARD|DIFF|INTER|ISMEMBER|MEMBERS|MISMEMBER|MOVE|POP|RANDMEMBER|REM|SCAN|UNION)", "SET"),
    (r"(L|RPUSH|RPOP)", "LIST"),
]

every_script = pytest.mark.parametrize("name", SCRIPTS)
every_include = pytest.mark.parametrize("name", INCLUDES)


@every_script
def test_it_loads_under_the_name_it_is_called_by(name: str, store: Store) -> None:
    script = scripts.load(name)
    assert script.sha == hashlib.sha1(script.text.encode(), usedforsecurity=False).hexdigest()
    assert cast("Any", store.client.script_load(script.text)) in (script.sha, script.sha.encode())


@every_script
def test_its_header_is_whole(name: str) -> None:
    header = lua.header_of(name)
    assert re.fullmatch(r"[A-Z].*\.", header.purpose), "a purpose, in sentences"
    touching = bool(lua.touched_by(lua.code_of(scripts.source_of(name))))
    assert list(header.sections) == [s for s in lua.SECTIONS if touching or s != "TOUCHES"]
    assert header.sections["KEYS"] == "meta"


@every_script
def test_its_header_names_the_arguments_it_reads(name: str) -> None:
    assert lua.header_of(name).arguments == lua.arguments_of(lua.whole_code_of(name))


@pytest.mark.parametrize("name", functions.NAMES)
def test_a_function_asks_a_script_with_all_its_arguments(name: str) -> None:
    for script, given in lua.asked_by(functions.source_of(name)):
        assert given == lua.header_of(script).arguments, script


@pytest.mark.parametrize("source", SOURCES)
def test_a_header_names_the_keys_that_its_own_text_touches_and_their_types(source: str) -> None:
    text = SOURCES[source]
    touched = lua.touched_by(lua.code_of(text))
    assert lua.touches_of(text) == {shape: TYPE_BY_SHAPE.get(shape) for shape in touched}


@every_script
def test_its_header_names_what_it_answers(name: str) -> None:
    assert lua.header_of(name).tags == lua.tags_of(lua.whole_code_of(name))


@every_script
def test_it_looks_at_the_format_before_anything_else(name: str) -> None:
    lines = [line for line in lua.code_of(scripts.source_of(name)).splitlines() if line.strip()]
    first = "refusal" if "no-writes" in lua.flags_of(name) else "guard"
    assert lines[:2] == [f"local refused = {first}()", "if refused then return refused end"]


@every_script
def test_its_flags_are_honest(name: str, store: Store) -> None:
    flags = lua.flags_of(name)
    assert flags <= FLAGS
    assert ("no-writes" in flags) == scripts.load(name).read_only
    assert ("no-writes" in flags) == (not writing(lua.commands_of(lua.whole_code_of(name)), store))


@every_script
def test_it_asks_nothing_that_grows_with_the_whole_store(name: str) -> None:
    assert not lua.commands_of(lua.whole_code_of(name)) & FORBIDDEN


@every_script
def test_it_includes_what_it_calls_and_nothing_else(name: str) -> None:
    assert_includes_are_used(scripts.source_of(name), scripts.includes_of(name))


@every_script
def test_no_name_is_defined_twice(name: str) -> None:
    defined = lua.top_level_locals_of(lua.whole_code_of(name))
    assert sorted(defined) == sorted(set(defined))


@every_script
def test_every_command_fits_the_type_of_its_key(name: str) -> None:
    for command, shape in lua.commands_on_keys_of(lua.whole_code_of(name)):
        for beginning, kind in TYPE_BY_COMMAND:
            if re.match(beginning, command):
                assert TYPE_BY_SHAPE.get(shape) == kind, f"{command} on {shape}"


@every_script
def test_keys_begin_with_a_plain_word(name: str) -> None:
    assert not lua.odd_key_calls_of(lua.code_of(scripts.source_of(name)))


@every_include
def test_an_include_is_one_function_of_its_name_with_a_comment(name: str) -> None:
    source = scripts.include_source(name)
    functions = re.findall(r"^local function (\w+)", source, re.MULTILINE)
    assert functions == ([] if name in VALUES else [name])
    remarks = [line for line in source.splitlines() if line.startswith("-- ") and "@include" not in line]
    assert remarks, "a comment says what it is for"
    assert not lua.odd_key_calls_of(lua.code_of(source))


@every_include
def test_an_include_includes_what_it_calls(name: str) -> None:
    assert_includes_are_used(
        scripts.include_source(name), scripts.includes_of_text(scripts.include_source(name))
    )


@every_include
def test_an_include_is_needed_by_some_script(name: str) -> None:
    assert any(name in scripts.includes_of(script) for script in SCRIPTS)


@pytest.mark.parametrize("pattern", sorted(KEYS))
def test_a_listed_key_is_touched_by_some_script(pattern: str) -> None:
    shape = lua.shape(pattern)
    assert any(shape in lua.touched_by(lua.whole_code_of(script)) for script in SCRIPTS)


def test_no_two_kinds_of_key_look_alike() -> None:
    assert len(TYPE_BY_SHAPE) == len(KEYS)


def test_lua_and_python_name_keys_alike(store: Store) -> None:
    text = (
        "#!lua\n"
        + scripts.include_source("key")
        + "\nreturn {key('meta'), key('run', 'a/b@c'), key('a', 'b', 'c')}"
    )
    named = cast("list[bytes]", store.client.eval(text, 1, store.key("meta")))
    assert [n.decode() for n in named] == [
        store.key("meta"),
        store.key("run", "a/b@c"),
        store.key("a", "b", "c"),
    ]
    assert store.key("meta") == f"jb:{{{store.namespace}}}:meta"


def test_the_format_is_one_in_lua_and_python() -> None:
    assert f"local FORMAT = '{connect.FORMAT}'" in scripts.include_source("guard")
    assert f"local FORMAT_MAJOR = '{connect.major_of(connect.FORMAT)}'" in scripts.include_source("refusal")


def test_includes_that_form_a_circle_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = {"a": "-- @include b", "b": "-- @include a"}
    monkeypatch.setattr(scripts, "source_of", lambda name: "#!lua\n-- @include a")
    monkeypatch.setattr(scripts, "include_source", sources.__getitem__)
    with pytest.raises(ValueError, match="a -> b -> a"):
        scripts.includes_of("any")


def test_a_script_without_its_first_line_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "source_of", lambda name: "return 1")
    with pytest.raises(ValueError, match="does not begin with #!lua"):
        scripts.load("headless")


def writing(commands: set[str], store: Store) -> set[str]:
    """Those of the commands that the server says write."""
    run: Any = store.client.execute_command
    return {name for name in commands if "write" in repr(run("COMMAND", "INFO", name))}


def assert_includes_are_used(source: str, included: list[str]) -> None:
    declared = set(re.findall(r"^-- @include (\w+)$", source, re.MULTILINE))
    code = lua.code_of(source)
    called = {i for i in INCLUDES if i not in VALUES and re.search(rf"(?<![\w.])(?<!function ){i}\(", code)}
    if lua.arguments_of(code):
        called.add("arguments")
    assert called <= set(included), "called, never included"
    assert declared <= called, "included, never called"
