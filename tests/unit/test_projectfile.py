from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import pytest

from jobboard.cli.main import main
from jobboard.core.diagnostic import render
from jobboard.core.jobs.log_url import address_of
from jobboard.core.runs.record import Record
from jobboard.errors import InvalidBoards, UsageError
from jobboard.settings import Settings
from jobboard.source.files import discover, read
from jobboard.source.loader import load
from jobboard.source.projectfile import load_project

if TYPE_CHECKING:
    from pathlib import Path

    from jobboard.source.project import Project

TWO = """\
environments:
  staging: {redis: "redis://staging/1", namespace: shop, variables: {REGION: eu-test}}
  production:
    redis: rediss://:${env:SECRET}@prod
    watch: true
variables: {REGION: eu, SHARDS: 4}
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("JOBBOARD_ENV", "JOBBOARD_REDIS_URL", "JOBBOARD_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "boards").mkdir()
    return tmp_path


def project(root: Path, text: str, **asked: Any) -> Project:
    (root / "jobboard.yaml").write_text(text)
    found = load_project(root, **asked)
    assert found is not None
    return found


def complaint(root: Path, text: str) -> str:
    with pytest.raises(InvalidBoards) as caught:
        project(root, text)
    return render(caught.value.diagnostics)


def settings(
    root: Path, environ: dict[str, str] | None = None, env: str | None = None, **flags: Any
) -> Settings:
    args = argparse.Namespace(**flags, read_project=lambda top: load_project(top, environment=env))
    return Settings.from_args(args, environ or {}, root)


def test_nothing_said_is_no_project(root: Path) -> None:
    assert load_project(root) is None


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "\ufeff", "{}\n"])
def test_a_project_may_have_nothing_to_say(root: Path, text: str) -> None:
    assert project(root, text).environment is None


def test_the_environment_is_the_one_asked_for_else_the_default_else_the_only_one(root: Path) -> None:
    assert project(root, TWO).environment is None
    assert project(root, TWO, environment="staging").redis == "redis://staging/1"
    assert project(root, TWO + "default_environment: production\n").environment == "production"
    assert project(root, "environments: {only: {}}\n").environment == "only"


def test_an_unknown_environment_is_refused_with_the_list(root: Path) -> None:
    with pytest.raises(UsageError) as caught:
        project(root, TWO, environment="prodction")
    assert caught.value.hint == "Environments are staging, production; did you mean production?"
    (root / "jobboard.yaml").unlink()
    with pytest.raises(UsageError, match="has no jobboard"):
        load_project(root, environment="staging")


def test_variables_come_from_the_project_the_environment_and_the_command_line(root: Path) -> None:
    assert project(root, TWO).variables == {"REGION": "eu", "SHARDS": 4}
    staging = project(root, TWO, environment="staging", assignments=["SHARDS=8", "NEW=a=b"])
    assert staging.variables == {"REGION": "eu-test", "SHARDS": 8, "NEW": "a=b"}
    with pytest.raises(UsageError, match="NAME=VALUE"):
        load_project(root, assignments=["5=x"])


def test_a_flag_wins_over_the_environment_and_that_over_the_file(root: Path) -> None:
    (root / "jobboard.yaml").write_text(TWO)
    by_file = settings(root, env="staging")
    assert (by_file.redis_url, by_file.namespace, by_file.environment) == (
        "redis://staging/1",
        "shop",
        "staging",
    )
    by_variable = settings(
        root, {"JOBBOARD_REDIS_URL": "redis://var", "JOBBOARD_NAMESPACE": "v"}, env="staging"
    )
    assert (by_variable.redis_url, by_variable.namespace) == ("redis://var", "v")
    by_flag = settings(root, {"JOBBOARD_REDIS_URL": "redis://var"}, env="staging", redis="redis://flag")
    assert by_flag.redis_url == "redis://flag"
    assert settings(root).embedded


def test_a_store_takes_its_password_from_the_environment(root: Path) -> None:
    (root / "jobboard.yaml").write_text(TWO)
    found = settings(root, {"SECRET": "pw"}, env="production")
    assert found.redis_url == "rediss://:pw@prod"
    assert (found.namespace, found.watched) == ("default", True)
    with pytest.raises(UsageError, match="needs SECRET"):
        settings(root, env="production")
    assert settings(root, {"JOBBOARD_REDIS_URL": "redis://x"}, env="production").redis_url == "redis://x"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "enviroments: {}\n",
            'jobboard.yaml:1:1  error  unknown key "enviroments"; did you mean "environments"?',
        ),
        ("environments:\n  a: {redis: 5}\n", "jobboard.yaml:2:14"),
        ('environments: {"a b": {}}\n', "cannot name an environment"),
        ("variables: {5x: 1}\n", "cannot name a variable"),
        ("variables: {X: [1]}\n", '"X" must be text, a number or true or false'),
        ("default_environment: x\nenvironments: {y: {}}\n", 'there is no environment "x"'),
        ("defaults:\n  timeout: soon\n", "jobboard.yaml:2:12  error  'soon' is no duration"),
        ("profiles:\n  p: {cron: x}\n", "jobboard.yaml:2:13"),
        ("profiles:\n  p: {run: '${var:NO}'}\n", 'there is no variable "NO"'),
        ("lint: {crowdd: off}\n", 'did you mean "crowded"?'),
        ("lint: {crowded: sometimes}\n", "must be off, warn or error"),
        ("- a\n", "a project is a map"),
        ("a: b: c\n", "not quoted"),
    ],
)
def test_what_is_wrong_with_the_file_is_said_with_its_place(root: Path, text: str, words: str) -> None:
    assert words in complaint(root, text)


def test_defaults_and_profiles_of_the_project_lie_below_the_boards(root: Path) -> None:
    common = project(
        root,
        "defaults: {timeout: '${var:T:-5m}', env: {A: '1', B: '1'}, jitter: 1m}\n"
        "profiles:\n  p: {queue: project, priority: 1}\n  q: {env: {A: q}}\n",
    )
    board = root / "boards" / "b.yaml"
    board.write_text(
        "board: b\ndefaults: {env: {B: '2'}}\nprofiles: {p: {queue: board}}\njobs:\n"
        "  plain: {run: a}\n  one: {run: a, extend: p, every: 1h}\n"
        "  two: {run: a, extend: [p, q], timeout: null}\n"
    )
    loaded = load([read(board, root, common)])
    assert loaded.is_valid
    jobs = loaded.boards[0].jobs
    base = {"command": {"run": "a"}, "timeout": 300_000, "env": {"A": "1", "B": "2"}}
    assert jobs["plain"] == base
    assert jobs["one"] == {**base, "queue": "board", "schedule": {"every": 3_600_000, "jitter": 60_000}}
    assert jobs["two"] == {"command": {"run": "a"}, "queue": "board", "env": {"A": "q", "B": "2"}}


def test_the_digest_of_a_board_covers_just_what_it_depends_on(root: Path) -> None:
    board = root / "boards" / "b.yaml"
    board.write_text("board: b\njobs:\n  j: {run: '${var:X:-1}'}\n")
    bare = read(board, root).digest

    def digest(text: str, *assignments: str) -> str:
        return read(board, root, project(root, text, assignments=assignments)).digest

    assert digest("variables: {Y: 1}\n") == digest("variables: {Y: 2}\nlint: {crowded: off}\n# comment\n")
    others = {digest("variables: {X: 1}\n"), digest("", "X=2"), digest("defaults: {timeout: 5m}\n"), bare}
    assert len(others) == 4
    board.write_text("board: b\njobs: {}\n")
    assert digest("variables: {X: 1}\n") == read(board, root).digest


@pytest.mark.parametrize(("level", "severities"), [("off", []), ("warn", ["warning"]), ("error", ["error"])])
def test_a_rule_is_off_a_warning_or_an_error(root: Path, level: str, severities: list[str]) -> None:
    board = root / "boards" / "b.yaml"
    board.write_text("board: b\njobs:\n  j: {run: a, retries: {delay: 5s}}\n")
    loaded = load([read(board, root, project(root, f"lint: {{idle-retries: {level}, crowded: off}}\n"))])
    assert [(d.severity, d.rule) for d in loaded.diagnostics] == [(s, "idle-retries") for s in severities]
    assert len(loaded.boards) == (0 if level == "error" else 1)


def test_the_project_file_is_no_board(root: Path) -> None:
    (root / "jobboard.yaml").write_text("{}")
    (root / "boards" / "b.yaml").touch()
    assert discover([root]) == [root / "boards" / "b.yaml"]


def test_every_command_takes_env_and_var(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "jobboard.yaml").write_text(TWO)
    (root / "boards" / "b.yaml").write_text("board: b\njobs:\n  j: {run: '${var:REGION} ${var:MORE}'}\n")
    assert main(["lint"]) == 65
    assert 'no variable "MORE"' in capsys.readouterr().out
    assert main(["--var", "MORE=5", "lint"]) == 0
    assert main(["lint", "--env", "nowhere"]) == 64
    assert "Environments are staging, production" in capsys.readouterr().err


def test_the_environment_is_named_by_a_variable_too(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "jobboard.yaml").write_text(TWO)
    (root / "boards" / "b.yaml").write_text("board: b\njobs: {}\n")
    monkeypatch.setenv("JOBBOARD_ENV", "nowhere")
    assert main(["lint"]) == 64
    assert main(["lint", "--env", "staging"]) == 0
    assert "no errors" in capsys.readouterr().out


def test_logs_may_lie_elsewhere_in_each_environment(root: Path) -> None:
    text = (
        "log_url: https://logs/{run}\n"
        "environments:\n  a: {log_url: 'http://a/{board}/{job}?n={attempt}&w={worker}'}\n  b: {}\n"
    )
    assert settings(root).log_url is None
    project(root, text)
    run = Record("ops/my job", "ok", 0, "ops/my job@2026-03-01T00:00:00Z", attempt=2, worker="w.1")
    found = [settings(root, env=name).log_url or "" for name in ("a", "b")]
    assert [address_of(template, run) for template in found] == [
        "http://a/ops/my%20job?n=2&w=w.1",
        "https://logs/ops%2Fmy%20job%402026-03-01T00%3A00%3A00Z",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("log_url: logs.example.org\n", 'jobboard.yaml:1:10  error  "logs.example.org" is no web address'),
        ("log_url: https://x/{id}\n", 'jobboard.yaml:1:10  error  nothing is known for "{id}"'),
        (
            "environments: {a: {log_url: 'https://x/{}'}}\n",
            'jobboard.yaml:1:29  error  nothing is known for "{}"',
        ),
    ],
)
def test_an_address_of_logs_that_is_none_is_refused(root: Path, text: str, words: str) -> None:
    assert words in complaint(root, text)


def test_a_queue_may_say_what_holds_for_its_jobs(root: Path) -> None:
    found = project(root, 'variables: {T: 5m}\nqueues: {slow: {timeout: "${var:T}"}}\n')
    assert found.queues == {"slow": {"timeout": 300_000}}
    other = project(root, "variables: {T: 5m}\nqueues: {slow: {timeout: 6m}}\n")
    assert found.meaning != other.meaning


def test_what_is_wrong_with_a_queue_is_placed(root: Path) -> None:
    said = complaint(root, "queues:\n  slow: {timeout: soon}\n  'b d': {}\n")
    assert "jobboard.yaml:2:19  error  'soon' is no duration" in said
    assert 'jobboard.yaml:3:3   error  "b d" cannot name a queue' in said
    said = complaint(root, "queues:\n  slow: {queue: fast}\n")
    assert 'jobboard.yaml:2:10  error  "queue" means nothing for jobs of "slow"' in said
