"""What becomes of the text of a job when values are written into it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobboard.core.jobs.merge import Merged, put
from jobboard.core.jobs.written import differences, written_keys
from jobboard.reconcile.write_live import _Writing
from jobboard.source.files import SourceFile
from jobboard.source.loader import load
from jobboard.source.rewrite import Unwritable

HEAD = "board: ops\n"


def source(text: str) -> SourceFile:
    return SourceFile("boards/ops.yaml", text.encode(), "")


def rewritten(text: str, job: str, **values: Any) -> str:
    """The text once the job says these values by path; a dot in a path is written as two underscores."""
    content = text if text.startswith("board:") else HEAD + text
    file = source(content)
    loaded = load([file])
    assert loaded.is_valid, loaded.diagnostics
    (board,) = loaded.boards
    fields = [Merged(p.replace("__", "."), "keep", None, value, None, value) for p, value in values.items()]
    writing = _Writing(board, file)
    writing.write([(f"ops/{job}", fields)])
    after = writing.raw.decode()
    spec = dict(board.jobs[job])
    for field in fields:
        put(spec, field.path, field.result)
    found = load([source(after)]).boards[0].jobs
    assert found == {**board.jobs, job: {key: value for key, value in spec.items() if value not in ({}, [])}}
    return after.removeprefix(HEAD)


BLOCK = """\
jobs:
  # The first.
  a:
    run: x   # what it does
    cron: "0 3 * * *"
    env:
      ONE: '1'   # why
      TWO: two

  # The second.
  b: {run: y, timeout: 5m}
"""


@pytest.mark.parametrize(
    ("job", "values", "old", "new"),
    [
        ("a", {"command": {"run": "y z"}}, "run: x   #", "run: y z   #"),
        ("a", {"command": {"exec": ["y", "a b"]}}, "run: x   #", 'exec: [y, "a b"]   #'),
        ("a", {"timeout": 90_000}, "      TWO: two\n", "      TWO: two\n    timeout: 1m30s\n"),
        ("a", {"env__ONE": "2"}, "'1'   # why", '"2"   # why'),
        ("a", {"env__ONE": None}, "      ONE: '1'   # why\n", ""),
        ("a", {"env__X": "y"}, "      TWO: two\n", "      TWO: two\n      X: y\n"),
        ("a", {"env__ONE": None, "env__TWO": None}, "    env:\n      ONE: '1'   # why\n      TWO: two\n", ""),
        ("a", {"schedule": {"cron": "5 4 * * 1"}}, '"0 3 * * *"', '"5 4 * * 1"'),
        ("a", {"schedule": {"every": 60_000}}, 'cron: "0 3 * * *"', "every: 1m"),
        ("a", {"schedule": None}, '    cron: "0 3 * * *"\n', ""),
        ("a", {"command": {"run": "one\ntwo\n"}}, "run: x   #", 'run: "one\\ntwo\\n"   #'),
        ("b", {"timeout": None}, ", timeout: 5m", ""),
        ("b", {"timeout": 60_000}, "timeout: 5m", "timeout: 1m"),
        ("b", {"queue": "slow"}, "5m}", "5m, queue: slow}"),
        ("b", {"tags": ["t", "u"]}, "5m}", "5m, tags: [t, u]}"),
        ("b", {"env__A": "on"}, "5m}", "5m, env: {A: on}}"),
        ("b", {"env__A": "1"}, "5m}", '5m, env: {A: "1"}}'),
        ("b", {"command": {"run": "a: b # c"}}, "run: y", 'run: "a: b # c"'),
        ("b", {"locks": {"disk": 2}}, "5m}", "5m, locks: {disk: 2}}"),
        ("b", {"retries": {"max": 3, "delay": 5_000}}, "5m}", "5m, retries: {max: 3, delay: 5s}}"),
        ("b", {"limits": {"memory": 1 << 30, "files": 9}}, "5m}", "5m, limits: {memory: 1G, files: 9}}"),
        ("b", {"enabled": False}, "5m}", "5m, enabled: false}"),
        ("b", {"description": 'it\'s "so"'}, "5m}", "5m, description: 'it''s \"so\"'}"),
    ],
)
def test_as_few_characters_change_as_say_it(job: str, values: dict[str, Any], old: str, new: str) -> None:
    assert rewritten(BLOCK, job, **values) == BLOCK.replace(old, new, 1)


def test_what_a_lower_layer_says_is_taken_back_with_null() -> None:
    text = "defaults: {timeout: 5m, env: {A: x, B: y}}\njobs:\n  a: {run: x, priority: 1}\n  b:\n    run: x\n"
    assert "a: {run: x, priority: 1, timeout: null}" in rewritten(text, "a", timeout=None)
    assert "a: {run: x, priority: 1, env: {A: null}}" in rewritten(text, "a", env__A=None)
    assert "    run: x\n    env: {B: z}\n" in rewritten(text, "b", env__B="z")
    both = text.replace("priority: 1", "timeout: 1h")
    assert "a: {run: x, timeout: null}" in rewritten(both, "a", timeout=None)


def test_a_set_keeps_the_lines_of_what_stays() -> None:
    text = "jobs:\n  a:\n    run: x\n    tags:\n      - t   # why\n      - v\n    timeout: 1h\n"
    after = rewritten(text, "a", tags=["t", "u"])
    assert after == text.replace("      - v\n", "      - u\n")
    assert rewritten(text, "a", tags=None) == text.replace("    tags:\n      - t   # why\n      - v\n", "")
    flow = "jobs:\n  a: {run: x, tags: [z, b]}\n"
    assert rewritten(flow, "a", tags=["a", "b", "z"]) == flow.replace("[z, b]", "[z, b, a]")


def test_policies_and_lists_are_rewritten_where_they_stand() -> None:
    text = (
        "jobs:\n  a:\n    exec:\n      - x\n      - y\n    retries:\n      max: 3   # why\n      delay: 1s\n"
    )
    after = rewritten(text, "a", retries={"max": 5})
    assert after == text.replace("max: 3", "max: 5").replace("      delay: 1s\n", "")
    assert "    exec: [x, z]\n" in rewritten(text, "a", command={"exec": ["x", "z"]})


def test_line_ends_and_the_mark_at_the_beginning_stay() -> None:
    text = (HEAD + BLOCK).replace("\n", "\r\n")
    assert rewritten(text, "a", timeout=60_000) == text.removeprefix(HEAD).replace(
        "TWO: two\r\n", "TWO: two\r\n    timeout: 1m\r\n"
    )
    bare = "jobs:\n  a:\n    run: x"
    assert rewritten(bare, "a", timeout=60_000) == bare + "\n    timeout: 1m"


def test_text_of_several_lines_is_a_block_where_it_has_room() -> None:
    text = "jobs:\n  a:\n    run: x\n    shell: /bin/bash\n"
    after = rewritten(text, "a", command={"run": "set -e\n\n  one\ntwo\n"})
    assert after == text.replace("run: x\n", "run: |\n      set -e\n\n        one\n      two\n")
    assert rewritten(after, "a", command={"run": "x"}) == text
    assert "run: |-\n" in rewritten(text, "a", command={"run": "one\ntwo"})
    for odd in (
        "one\n\n",
        " one\ntwo",
        "one\n\ttwo\x00",
        "one\ttwo\n",
        "\u2028\n",
        "one \ntwo",
        '\t\U0001f600\x1b"\\',
    ):
        rewritten(text, "a", description=odd)


def test_what_another_job_shares_is_not_written() -> None:
    text = "jobs:\n  a: {run: x, env: &e {A: b}}\n  b: {run: x, env: *e}\n  c: &c {run: z}\n  d: *c\n"
    with pytest.raises(Unwritable, match="b shares this part of the text"):
        rewritten(text, "a", env__A="c")
    assert "b: {run: x, env: {A: c}}" in rewritten(text, "b", env__A="c")
    with pytest.raises(Unwritable, match="stands for another"):
        rewritten(text, "d", timeout=60_000)


def test_a_merged_map_is_overruled_in_the_job() -> None:
    text = "jobs:\n  a: &a\n    run: x\n    timeout: 1h\n  b:\n    <<: *a\n    run: y\n"
    assert rewritten(text, "b", timeout=60_000) == text + "    timeout: 1m\n"
    assert rewritten(text, "b", timeout=None) == text + "    timeout: null\n"


def test_a_job_of_a_template_is_not_written() -> None:
    with pytest.raises(Unwritable, match="one of the jobs that for_each makes of a"):
        rewritten("jobs:\n  a: {for_each: [x, y], run: z}\n", "a-x", timeout=60_000)


def test_what_a_board_would_write_reads_back() -> None:
    text = (
        "jobs:\n  a: {run: x, every: 1h30m, start: 2026-01-01T00:00:00Z,"
        " decay: {factor: 2, step: 1h, max: 1d}, jitter: {max: 1m, per: run},"
        " retries: {max: unlimited, on: [75, timeout]},"
        " defer: {delay: 2m}, limits: {cpu: 1h, memory: 512M, files: 64}, ok_exit: [0, 3], heartbeat: 30s}\n"
        '  b: {run: x, at: ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]}\n'
        '  c: {run: x, cron: ["0 1 * * *", "5 2 * * *"], timezone: Europe/Madrid, exclude: ["2026-01-01"]}\n'
        '  d: {run: x, cron: "*/5 * * * * *", seconds: true}\n  e: {run: x, after: a}\n'
    )
    (board,) = load([source(HEAD + text)]).boards
    for name, spec in board.jobs.items():
        keys = written_keys(spec, "ops")
        again = f"{HEAD}jobs:\n  a: {{run: x}}\n  {name}: {json.dumps(keys)}\n"
        if name == "a":
            again = f"{HEAD}jobs:\n  {name}: {json.dumps(keys)}\n"
        (found,) = load([source(again)]).boards
        assert found.jobs[name] == spec
        assert differences(keys, written_keys(found.jobs[name], "ops")) == {}
