"""Schema, code and documents say the same; `make check` runs this too."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import jsonschema
import pytest
from kit import readme

from jobboard import errors
from jobboard.cli.commands.demo import EXPECTED as DEMO
from jobboard.cli.main import COMMANDS, main
from jobboard.core.jobs import launch, resolve
from jobboard.core.jobs.model import DEFAULT_DEFER, DEFAULT_RETRIES, FIELDS
from jobboard.core.jobs.runner import Runner
from jobboard.core.jobs.value import READERS
from jobboard.core.jobs.written import written_keys
from jobboard.core.times.duration import format_duration
from jobboard.core.times.instant import parse_instant
from jobboard.daemon.agent.child import REPORT_VARIABLE
from jobboard.daemon.system import tree
from jobboard.daemon.worker.attempt import Attempt
from jobboard.source.digest import digest_of
from jobboard.source.files import TEST_SUFFIXES, SourceFile
from jobboard.source.loader import load
from jobboard.source.project import Project
from jobboard.source.schema import schema, schema_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.core.jobs.model import Spec
    from jobboard.store.runs.runs import Reserved

NOW_MS = parse_instant("2026-01-01T00:00:00Z", None)
JOB_KEYS: dict[str, Any] = schema()["$defs"]["job"]["properties"]
WORDS = (
    *(
        "board",
        "job",
        "address",
        "run",
        "attempt",
        "nominal",
        "due",
        "cursor",
        "queue",
        "lock",
        "lease",
        "base",
    ),
    *(
        "live",
        "file",
        "verdict",
        "change",
        "plan",
        "revision",
        "event",
        "hold",
        "override",
        "drift",
        "conflict",
    ),
    *("namespace", "scheduler", "worker"),
)
# What a key needs beside it to mean anything; any other stands on a job that is run by hand.
COMPANIONS: Mapping[str, dict[str, Any]] = {
    "args": {"call": "reports.daily:build"},
    "with": {"call": "reports.daily:build"},
    "warm": {"call": "reports.daily:build"},
    "timezone": {"cron": "0 12 * * *"},
    "seconds": {"cron": "0 0 12 * * *"},
    "days": {"cron": "0 12 1 * 1"},
    "phase": {"every": "5m"},
    "decay": {"every": "5m", "start": "2026-03-01T00:00:00Z"},
    "exclude": {"every": "5m"},
    "on_exclude": {"every": "5m", "exclude": "2026-12-25"},
    "start": {"every": "5m"},
    "stop": {"every": "5m"},
    "for": {"every": "5m", "start": "2026-03-01T00:00:00Z"},
    "runs": {"every": "5m"},
    "jitter": {"cron": "0 12 * * *"},
    "on_late": {"finish_by": "2h"},
    "window": {"after": "extract"},
    "needs": {"cron": "0 12 * * *"},
    "name": {"for_each": ["eu", "us"]},
}
# A job without the key, where that is another one than its companions make.
PLAIN: Mapping[str, dict[str, Any]] = {"seconds": {"cron": "0 12 * * *"}}
PROJECT = Project(runners={"wasm": Runner(("run-wasm",))})
CALENDARS = {"holidays": {"dates": ["2026-12-25"]}}
# What a board has to say for the examples of a job's key.
BESIDE: Mapping[str, dict[str, Any]] = {
    "extend": {"profiles": {"nightly": {"cron": "H 2 * * *"}, "careful": {"timeout": "1h"}}},
    "exclude": {"calendars": CALENDARS},
}
# Keys that say how jobs are written; none of them is left once they are read.
TEMPLATES = {"extend", "for_each", "name"}
SPANS = {"late_after", "catchup_window", "kill_after", "delay", "max_delay", "jitter"}
KINDS = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "boolean": "`true` or `false`",
    "array": "list",
    "object": "map",
}


def _nodes(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that the schema describes, with its path."""
    for name, child in node.get("properties", {}).items():
        if not child.get("$ref", "").startswith(("#/$defs/job/", "#/$defs/policy")):
            yield f"{path}{name}", child
            yield from _nodes(child, f"{path}{name}.")


DESCRIBED = [
    *_nodes(schema()),
    *(pair for name, shape in schema()["$defs"].items() for pair in _nodes(shape, f"{name}: ")),
]


@pytest.mark.parametrize(("path", "node"), DESCRIBED, ids=[path for path, _ in DESCRIBED])
def test_every_key_is_described_and_its_examples_are_valid(path: str, node: dict[str, Any]) -> None:
    assert re.fullmatch(r"[A-Z].*\.", node["description"], re.DOTALL)
    assert node["examples"]
    whole = {"$schema": schema()["$schema"], "$defs": schema()["$defs"], **node}
    for example in node["examples"]:
        jsonschema.validate(example, whole)


def _specs(job: Mapping[str, Any], **beside: Any) -> dict[str, Spec]:
    """The jobs that one comes to, among those that examples speak of."""
    command = {} if job.keys() & set(resolve.COMMANDS) else {"run": "true"}
    jobs = {"it": {**command, **job}, "extract": {"run": "true", "cron": "0 2 * * *"}}
    boards = [
        {"board": "ops", "jobs": jobs, **beside},
        {"board": "warehouse", "jobs": {"load": {"run": "true", "cron": "0 2 * * *"}}},
    ]
    raws = [json.dumps(board).encode() for board in boards]
    loaded = load(
        [SourceFile(f"{i}.yaml", raw, digest_of(raw), project=PROJECT) for i, raw in enumerate(raws)], NOW_MS
    )
    assert loaded.is_valid, loaded.diagnostics
    return {name: spec for name, spec in loaded.boards[0].jobs.items() if name != "extract"}


def _with(name: str, example: Any) -> dict[str, Spec]:
    """The jobs that a job comes to with one key more."""
    job = {**COMPANIONS.get(name, {}), name: example}
    return _specs(job, **BESIDE.get(name, {}))


@pytest.mark.parametrize("name", JOB_KEYS)
def test_every_key_of_a_job_is_read_and_means_something(name: str) -> None:
    plain = _specs(PLAIN.get(name, COMPANIONS.get(name, {})))
    assert any(_with(name, example) != plain for example in JOB_KEYS[name]["examples"])


# Several parents have to have one schedule at their root; `test_rewrite` writes those.
@pytest.mark.parametrize("name", sorted(set(JOB_KEYS) - TEMPLATES - {"after"}))
def test_every_key_is_written_as_it_is_read(name: str) -> None:
    for example in JOB_KEYS[name]["examples"]:
        for spec in _with(name, example).values():
            written = written_keys(spec, "ops")
            again = _specs(written, **BESIDE.get("exclude", {}))
            assert again["it"] == spec


@pytest.mark.parametrize("policy", ["retries", "defer"])
def test_every_key_of_a_policy_is_read_and_means_something(policy: str) -> None:
    for name, node in JOB_KEYS[policy]["properties"].items():
        beside = {"max": 2} if policy == "retries" and name != "max" else {}
        specs = [_specs({policy: {**beside, name: example}}) for example in node["examples"]]
        assert any(spec != _specs({policy: beside}) for spec in specs), name


def test_the_code_reads_the_keys_of_the_schema_and_no_others() -> None:
    assert set(READERS) == set(JOB_KEYS) - TEMPLATES


def test_what_defaults_may_say_a_job_may_say_too() -> None:
    for name, node in schema()["properties"]["defaults"]["properties"].items():
        assert node == {"$ref": f"#/$defs/job/properties/{name}"}
        assert name in JOB_KEYS


def _default(name: str, default: Any) -> str:
    """A built-in default in words; empty where there is none, and so nothing to say."""
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    if isinstance(default, bool):
        return str(default).lower()
    if name in SPANS:
        return format_duration(default) if default else "nothing"
    return "" if default is None or isinstance(default, Mapping) else str(default)


POLICIES: Mapping[str, Mapping[str, Any]] = {"retries": DEFAULT_RETRIES, "defer": DEFAULT_DEFER}
DEFAULTS = [
    *((JOB_KEYS[name], _default(name, field.default)) for name, field in FIELDS.items() if name in JOB_KEYS),
    *(
        (JOB_KEYS[policy]["properties"][part], _default(part, value))
        for policy, parts in POLICIES.items()
        for part, value in parts.items()
    ),
]


@pytest.mark.parametrize(("node", "default"), DEFAULTS, ids=[text for _, text in DEFAULTS])
def test_the_schema_states_the_default_in_force(node: dict[str, Any], default: str) -> None:
    stated = re.search(r"Without it: ([^.,]*)", node["description"])
    # Where nothing is built in there need be no word of it; and `false` goes without saying.
    if default not in ("", "false"):
        assert stated is not None
        assert stated[1] == default


def test_the_schema_printed_is_the_schema_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    shipped = (readme.ROOT / "schemas" / "board.schema.json").read_text(encoding="utf-8")
    assert capsys.readouterr().out == shipped == schema_text()


def test_every_board_names_the_schema_for_editors() -> None:
    for path in (readme.ROOT / "boards").glob("*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        named = first.removeprefix("# yaml-language-server: $schema=")
        kind = "tests" if path.name.endswith(TEST_SUFFIXES) else "board"
        assert (path.parent / named).resolve() == readme.ROOT / "schemas" / f"{kind}.schema.json"


def _value(node: Mapping[str, Any]) -> str:
    """What may be written for a key, in a word or two."""
    if "enum" in node:
        return " ".join(f"`{value}`" for value in node["enum"] if value is not None)
    if "$ref" in node:
        return "duration"
    kinds = [node["type"]] if isinstance(node["type"], str) else node["type"]
    return " or ".join(KINDS[kind] for kind in kinds if kind != "null")


def _row(path: str, node: Mapping[str, Any], default: Any) -> tuple[str, ...]:
    """A line of the table of keys."""
    said = _default(path.rpartition(".")[2], default)
    shown = f"`{said}`" if said not in ("", "nothing") else ""
    return f"`{path}`", _value(node), shown, node["description"]


def test_the_readme_has_the_keys_of_a_job() -> None:
    lines = []
    for name, node in JOB_KEYS.items():
        parts = POLICIES.get(name, {})
        lines.append(_row(name, node, FIELDS[name].default if name in FIELDS and not parts else None))
        lines += [
            _row(f"{name}.{part}", inner, parts.get(part))
            for part, inner in node.get("properties", {}).items()
        ]
    readme.expect_part("keys", readme.table(("Key", "Value", "Default", "What it does"), lines))


def test_the_readme_has_the_commands() -> None:
    lines = [(f"`{name}`", said) for name, (_, said) in COMMANDS.items()]
    readme.expect_part("commands", readme.table(("Command", "Does"), lines))


def test_the_readme_speaks_of_no_command_that_is_not_there() -> None:
    text = readme.README.read_text(encoding="utf-8")
    spoken_of = set(re.findall(r"(?:`|\$ )jobboard ([a-z-]+)", text))
    assert spoken_of <= set(COMMANDS)
    assert {"plan", "sync", "up", "demo"} <= spoken_of


def test_the_readme_shows_the_demo_there_is() -> None:
    shown = re.findall(r"^run +(\S+)", readme.README.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(f"demo/{job}" for job in shown) == sorted(DEMO)


def test_the_readme_explains_every_word_in_one_line() -> None:
    explained = [word for word, *_ in readme.rows("glossary")]
    assert explained == sorted(WORDS)


def test_the_readme_has_the_exit_codes() -> None:
    known = {error.exit_code for error in _family(errors.JobboardError)}
    # Nothing raises the other two: all is well, and there is something to sync.
    assert {int(code) for code, _ in readme.rows("exit-codes")} == known | {0, 2}


def _family(kind: type[errors.JobboardError]) -> Iterator[type[errors.JobboardError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _family(child)


def test_the_readme_has_what_a_command_sees() -> None:
    windowed = {"command": {"run": "true"}, "after": ["a/c"], "schedule": {"cron": "0 0 * * *"}}
    run = SimpleNamespace(address="a/b", run_id="a/b@x", nominal_ms=NOW_MS, attempt=1, token=1, spec=windowed)
    own = [*Attempt(cast("Reserved", run))._own(), REPORT_VARIABLE, tree.MARK]
    assert [name for name, _ in readme.rows("environment")] == own
    kept = ", ".join(f"`{name}`" for name in launch.KEPT[:-1]) + f" and `{launch.KEPT[-1]}`"
    assert kept in " ".join(readme.README.read_text(encoding="utf-8").split())


def test_what_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", readme.README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (readme.ROOT / link).exists()] == []


def test_the_changelog_has_room_for_what_is_next() -> None:
    headings = re.findall(
        r"^## (.*)$", (readme.ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert headings[0] == "Unreleased"


# Put together from parts, so that this file passes its own test.
HOMES = re.compile("|".join(rf"/{parent}/\w+" for parent in ("home", "Users", "root")) + r"|~\w+/")
FOLDERS = ("jobboard", "boards", "schemas", "tests", "bench", ".ci")
TEXTS = {".py", ".lua", ".yaml", ".yml", ".json", ".md", ".toml", ".txt"}


def test_nothing_names_anybodys_home() -> None:
    files = [
        *readme.ROOT.glob("*.*"),
        *(path for name in FOLDERS for path in (readme.ROOT / name).rglob("*")),
    ]
    texts = {path: path.read_bytes() for path in files if path.suffix in TEXTS and path.is_file()}
    assert len(texts) > 100
    here = str(readme.ROOT).encode()
    for path, raw in texts.items():
        found = HOMES.search(raw.decode("utf-8", errors="replace"))
        assert found is None, f"{path}: {found}"
        assert here not in raw, path
