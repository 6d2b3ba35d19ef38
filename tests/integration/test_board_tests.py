"""`jobboard test`: files of assertions beside boards, judged, reported, and refused with their places."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from kit import readme
from kit.project import Project

from jobboard.source import misfit
from jobboard.source.schema import schema
from jobboard.source.syntax import decode, parse
from jobboard.source.testfile import schema_of_tests
from jobboard.source.text import Text

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store

SHIPPED = sorted((Path(__file__).parents[2] / "boards").glob("*.test.yaml"))

JOBS = """
first: {run: x, cron: "0 2 * * *", tags: [night]}
second: {run: x, after: first}
hourly: {run: x, cron: "0 * * * *", queue: slow}
"""


@pytest.fixture
def project(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Project:
    made = Project(tmp_path, store, monkeypatch, capsys)
    made.board("ops", JOBS)
    return made


def assertions(project: Project, *cases: str, head: str = "", name: str = "ops.test.yaml") -> Path:
    """Write a file of tests, each a line."""
    lines = "".join(f"  - {case}\n" for case in cases)
    path = project.folder / "boards" / name
    path.write_text(f'from: "2026-03-28"\n{head}tests:\n{lines}')
    return path


def places(outcome: Any) -> list[str]:
    """Line and column of everything that was complained of."""
    return [
        line.split()[0].partition(":")[2]
        for line in outcome.err.splitlines()
        if line.startswith("boards/") and "error" in line
    ]


def test_the_boards_and_tests_of_the_readme_hold(project: Project) -> None:
    boards, folder = re.findall(r"```yaml\n(.*?)```", readme.part("project"), re.DOTALL), project.folder
    (folder / "jobboard.yaml").write_text("environments: {here: {variables: {region: eu}}}\n")
    for name, text in zip(("fleet.yaml", "fleet.test.yaml", "office.yaml"), boards, strict=True):
        (folder / "boards" / name).write_text(text)
    (folder / "boards" / "school.ics").write_text(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20261224\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    assert "4 passed" in project.ok("test", "--env", "here").out
    project.ok("sync", "--auto-approve", "--env", "here")
    said = project.ok("next", "office/payroll", "--env", "here", "--from", "2027-01-01", "-n", "1")
    assert "2027-01-02 00:00:00 +01:00" in said.out


def test_what_holds_is_listed_and_the_exit_code_says_so(project: Project) -> None:
    assertions(
        project, 'fires: {job: first, at: ["2026-03-28 02:00"]}', "count: {job: hourly, per: day, is: 24}"
    )
    outcome = project.ok("test")
    assert outcome.out.splitlines() == [
        "boards/ops.test.yaml",
        "  ok    ops/first fires exactly 1 time from 2026-03-28 00:00 UTC",
        "  ok    ops/hourly runs 24 times every day",
        "2 tests in 1 file: 2 passed.",
    ]


def test_what_fails_says_what_was_expected_and_what_was_found(project: Project) -> None:
    assertions(
        project,
        "{name: at three, fires: {job: first, at: ['2026-03-28 03:00']}}",
        "never: {job: first, at: ['2026-03-28 03:00']}",
    )
    outcome = project.run("test", "boards/ops.test.yaml")
    assert outcome.code == 1
    assert outcome.out.splitlines() == [
        "boards/ops.test.yaml",
        "  FAIL  at three   boards/ops.test.yaml:3",
        "        expected  at 2026-03-28 03:00 UTC",
        "        actual    not at 2026-03-28 03:00 UTC; also at 2026-03-28 02:00 UTC",
        "  ok    ops/first never fires at 2026-03-28 03:00 UTC",
        "2 tests in 1 file: 1 failed, 1 passed.",
    ]


def test_circumstances_count(project: Project) -> None:
    case = 'ends_by: {chain: first, time: "03:00"}'
    assertions(project, case, head="durations: {first: 20m, 's*': 30m}\nexits: {first: 0}\n")
    project.ok("test")
    assertions(project, case, head="durations: {first: 20m, 's*': 50m}\n")
    assert "ended at 2026-03-28 03:10 UTC" in project.run("test").out
    assertions(
        project,
        case,
        head="exits: {second: [0]}\ndowntimes: [{from: '2026-03-28 01:00', until: '2026-03-28 04:00'}]\n",
    )
    assert "ended at 2026-03-28 04:01 UTC" in project.run("test").out
    assertions(project, "count: {job: hourly, at_most: 0}", head="queues: {slow: 0}\n")
    assert "1 in all" in project.run("test").out


def test_times_are_local_to_the_zone(project: Project) -> None:
    assertions(project, 'fires: {job: first, at: ["2026-03-28 03:00"]}', head="timezone: Europe/Madrid\n")
    project.ok("test")
    case = 'ends_by: {job: first, time: "03:01", timezone: Europe/Madrid, days: [sat]}'
    assertions(project, case)
    project.ok("test")


def test_tests_may_be_about_other_boards_and_several(project: Project) -> None:
    project.board("more", 'load: {run: x, after: ops/second}\nfirst: {run: x, cron: "0 2 * * *"}')
    cases = ("count: {job: load, is: 1}", "no_overlap: [ops/first, second, load]")
    assertions(project, *cases, head="boards: [ops.yaml, more.yaml]\n", name="all.test.yaml")
    assertions(project, "count: {job: second, is: 1}")
    assert "3 tests in 2 files: 3 passed." in project.ok("test").out


def test_for_programs(project: Project) -> None:
    assertions(project, "count: {job: first, is: 1}", "count: {job: first, is: 2}")
    outcome = project.run("test", "-o", "json")
    assert outcome.code == 1
    good, bad = outcome.json["tests"]
    assert (good["passed"], good["expected"], good["line"]) == (True, None, 3)
    assert (bad["file"], bad["name"], bad["passed"]) == (
        "boards/ops.test.yaml",
        "ops/first runs 2 times",
        False,
    )
    assert (bad["expected"], bad["actual"]) == ("2 times", "1 in all")


def test_for_ci(project: Project) -> None:
    assertions(project, "count: {job: first, is: 1}", '{name: "<odd> & \\u0007", count: {job: first, is: 2}}')
    outcome = project.run("test", "-o", "junit")
    assert outcome.code == 1
    root = ET.fromstring(outcome.out.partition("\n")[2])
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "2", "1")
    (suite,) = root
    assert suite.get("name") == "boards/ops.test.yaml"
    good, bad = suite
    assert (len(good), good.get("line")) == (0, "3")
    assert bad.get("name") == "<odd> & \\x07"
    assert [(failure.get("message"), failure.text) for failure in bad] == [
        ("1 in all", "expected 2 times\nactual 1 in all")
    ]


def test_only_this_command_prints_junit(project: Project) -> None:
    assert project.run("lint", "-o", "junit").code == 64


def test_tests_are_no_boards(project: Project) -> None:
    assertions(project, "count: {job: first, is: 1}")
    assert "1 file" in project.ok("lint").out
    project.sync()
    assert set(project.live("ops")) == {"first", "second", "hourly"}


def test_nothing_to_test_is_a_usage_error(project: Project) -> None:
    outcome = project.run("test")
    assert (outcome.code, "there are no tests of boards here" in outcome.err) == (64, True)
    assert project.run("test", "boards/ops.yaml").code == 64
    assert project.run("test", "nowhere").code == 64


def test_what_is_wrong_with_a_test_is_told_by_its_place(project: Project) -> None:
    assertions(project, "count: {job: first, is: 1}", "nevr: {job: first}")
    assert 'unknown key "nevr" in item 2 of "tests"; did you mean "never"?' in project.run("test").err
    refused = project.run("test", "boards/ops.yaml").err
    assert "boards/ops.yaml is no test file\n          its tests are in  boards/ops.test.yaml" in refused


def test_nothing_to_test_shows_a_first_test_that_can_be_pasted(project: Project) -> None:
    hint = project.run("test").err.splitlines()[1:]
    assert "the tests of boards/ops.yaml are in boards/ops.test.yaml" in hint[0]
    (project.folder / "boards" / "ops.test.yaml").write_text(textwrap.dedent("\n".join(hint[1:])))
    assert "boards/ops.test.yaml" in project.ok("test").out
    for file in (project.folder / "boards").iterdir():
        file.unlink()
    assert "boards/NAME.test.yaml" in project.run("test").err


@pytest.mark.parametrize(
    ("case", "place", "said"),
    [
        ("{}", "3:5", "a test asserts nothing"),
        ("{count: {job: first, is: 1}, never: {job: first}}", "3:6", '"count" beside "never"'),
        ("fires: {job: first}", "3:5", '"fires" has no "at"'),
        ("fires: {job: first, att: []}", "3:25", 'did you mean "at"?'),
        ("fires: {job: frist, at: []}", "3:18", 'Did you mean "first"?'),
        ("fires: {job: first, at: [soon]}", "3:30", "is no instant"),
        ("fires: {job: first, at: [2026-04-28]}", "3:30", "this instant is not simulated"),
        ("fires: {job: first, from: 2026-03-28 02:00, at: [2026-03-28]}", "3:54", "is not looked at"),
        ("never: {job: first}", "3:5", "either instants or times of day"),
        ("never: {job: first, between: ['08:00']}", "3:25", "takes two times"),
        ("never: {job: first, between: ['08:00', '24:00']}", "3:44", "is no time of day"),
        ("count: {job: first}", "3:5", '"count" says how many'),
        ("count: {job: first, is: 1, at_most: 2}", "3:5", '"count" says how many'),
        ("count: {job: first, at_least: 3, at_most: 2}", "3:47", "less than at_least"),
        ("count: {job: first, per: week, is: 1}", "3:30", "must be hour, day or all"),
        ("no_overlap: [first, ops/first]", "3:5", "takes two jobs or more"),
        ("in_time: [first]", "3:15", "ops/first has no deadline"),
        ("ends_by: {time: '06:00'}", "3:5", "a job or a chain"),
        ("ends_by: {job: first, time: 6am}", "3:33", "is no time of day"),
        ("ends_by: {job: first, time: '06:00', timezone: Mars/Base}", "3:52", "Mars/Base"),
    ],
)
def test_a_wrong_test_is_told_with_its_place(project: Project, case: str, place: str, said: str) -> None:
    assertions(project, case)
    outcome = project.run("test")
    assert outcome.code == 65
    assert said in outcome.err
    assert place in places(outcome), outcome.err


@pytest.mark.parametrize(
    ("head", "place", "said"),
    [
        ("timezone: Mars/Base\n", "2:11", "Mars/Base"),
        ("hours: 0\n", "2:8", "must be at least 0.1"),
        ("durations: {nobody: 1m}\n", "2:13", "there is no job nobody"),
        ("durations: {first: 1 minute}\n", "2:20", "is no duration"),
        ("exits: {nobody: 1}\n", "2:9", "there is no job nobody"),
        ("queues: {fast: 1}\n", "2:10", 'no job is in queue "fast"'),
        ("boards: [gone.yaml]\n", "2:10", "there is no"),
        ("downtimes: [{from: 2026-03-28 02:00, until: 2026-03-28 01:00}]\n", "2:45", "ends before it begins"),
        ("downtimes: [{from: 2026-03-27 02:00, until: 2026-03-28 01:00}]\n", "2:20", "is not simulated"),
    ],
)
def test_wrong_circumstances_are_told_with_their_place(
    project: Project, head: str, place: str, said: str
) -> None:
    assertions(project, "count: {job: first, is: 1}", head=head)
    outcome = project.run("test")
    assert outcome.code == 65
    assert said in outcome.err
    assert place in places(outcome), outcome.err


@pytest.mark.parametrize("text", ["", "- a\n", "tests: [\n", "from: 2026-03-28\n", "\xff"])
def test_what_is_no_test_file_at_all_is_refused(project: Project, text: str) -> None:
    (project.folder / "boards" / "ops.test.yaml").write_bytes(text.encode("latin-1"))
    assert project.run("test").code == 65


def test_every_fault_of_every_file_is_told_in_one_go(project: Project) -> None:
    assertions(project, "count: {job: frist, is: 1}", "never: {job: first}")
    assertions(project, "count: {job: first, is: 1}", name="lonely.test.yaml")
    project.board("wrong", "a: {run: x, every: often}")
    assertions(project, "count: {job: a, is: 1}", name="wrong.test.yaml")
    outcome = project.run("test", "-o", "json")
    assert outcome.code == 65
    files = [diagnostic["file"] for diagnostic in outcome.json["error"]["diagnostics"]]
    assert sorted(files) == [
        "boards/lonely.test.yaml",
        *["boards/ops.test.yaml"] * 2,
        "boards/wrong.yaml",
    ]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_tests_that_ship_hold_by_their_schema_and_in_fact(project: Project, path: Path) -> None:
    text = decode(path.read_bytes())
    assert isinstance(text, Text)
    misfit.Reference(schema_of_tests()).validate(parse(text).root)
    assert project.run("test", str(path)).code == 0


def test_the_schema_is_one_and_its_examples_hold() -> None:
    jsonschema.Draft202012Validator.check_schema(schema_of_tests())
    assert schema_of_tests()["$defs"]["duration"] == schema()["$defs"]["duration"]
    left = [schema_of_tests(), schema_of_tests()["$defs"]["test"]]
    seen = 0
    while left:
        for node in left.pop().get("properties", {}).values():
            seen += 1
            assert node["description"].endswith(".")
            for example in node["examples"]:
                misfit.Reference({"$defs": schema_of_tests()["$defs"], **node}).validate(example)
            left.append(node)
    assert seen > 25


def test_the_schema_can_be_asked_for(project: Project) -> None:
    assert project.ok("schema", "tests").json == schema_of_tests()
