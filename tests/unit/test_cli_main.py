from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from jobboard import __version__, errors
from jobboard.cli import main as main_module
from jobboard.cli.help_layout import HelpLayout
from jobboard.cli.main import COMMANDS, Parser, global_options, main

Capsys = pytest.CaptureFixture[str]
HEAVY = ("redis", "rich", "croniter", "jsonschema", "watchfiles")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_a_module_that_explains_itself(
    command: str, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    module = import_module(f"jobboard.cli.commands.{COMMANDS[command][0]}")
    assert module.__doc__
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert f"jobboard {command}" in shown
    assert "--namespace" in shown
    lines = shown.splitlines()
    examples = [line for line in lines if line.startswith(("  jobboard ", "  redis-cli "))]
    assert any(f" {command}" in example for example in examples)
    assert [line for line in lines if len(line) > 80 and line not in examples] == []


def test_what_an_example_does_is_folded_beside_it_or_below() -> None:
    text = (
        "Long enough\nto be filled.\n\n"
        "  jobboard x one     what this does in a few words more than fit\n"
        "  jobboard x two --with --many --flags --of --all --kinds    and what it does\n"
        "  jobboard x three --whole 'a command that is copied is never broken at all'"
    )
    layout = HelpLayout("jobboard x", width=70)
    layout.add_text(text)
    assert layout.format_help().splitlines() == [
        "Long enough to be filled.",
        "",
        "  jobboard x one     what this does in a few words more than fit",
        "  jobboard x two --with --many --flags --of --all --kinds",
        "      and what it does",
        "  jobboard x three --whole 'a command that is copied is never broken at all'",
    ]
    narrow = HelpLayout("jobboard x", width=52)
    narrow.add_text("jobboard x one     what this does in a few words more than fit")
    assert narrow.format_help().splitlines() == [
        "  jobboard x one     what this does in a few words",
        "                     more than fit",
    ]


def test_the_overview_lists_every_command(capsys: Capsys) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {command} " in shown for command in COMMANDS)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"jobboard {__version__}\n"


def test_nothing_asked_for_is_a_usage_error_beside_the_overview(capsys: Capsys) -> None:
    assert main([]) == 64
    captured = capsys.readouterr()
    assert "Usage: jobboard COMMAND" in captured.out
    assert "no command given" in captured.err


def test_a_slip_is_answered_with_what_was_meant(capsys: Capsys) -> None:
    assert main(["snyc"]) == 64
    assert "did you mean jobboard sync?" in capsys.readouterr().err
    assert main(["frobnicate"]) == 64
    assert "jobboard --help lists them" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["lint", "--nope"], ["ls", "-o", "xml"], ["set"], ["--redis"], ["plan", "--namespace"]]
)
def test_a_wrong_argument_is_a_usage_error(words: list[str], capsys: Capsys) -> None:
    assert main(words) == 64
    captured = capsys.readouterr()
    assert captured.err.startswith("jobboard: ")
    assert " --help " in captured.err
    assert not captured.out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["runs", "--json"], "did you mean -o json?"),
        (["runs", "--failed"], "did you mean --state failed?"),
        (["sync", "--yes"], "did you mean --auto-approve?"),
        (["plan", "--writelive"], "did you mean --write-live?"),
        (["push", "common", "echo hi"], "put the command after --, or give it to --run"),
        (["ls", "ops", "web"], "jobboard ls --help lists what there is"),
    ],
)
def test_a_wrong_flag_is_answered_with_what_was_meant(words: list[str], hint: str, capsys: Capsys) -> None:
    assert main(words) == 64
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize("form", [["-o", "json"], ["-ojson"], ["--output=json"], ["--output", "json"]])
def test_an_error_is_json_where_json_was_asked_for(form: list[str], capsys: Capsys) -> None:
    assert main([*form, "lint", "/nowhere"]) == 64
    captured = capsys.readouterr()
    assert '"exit_code": 64' in captured.out
    assert captured.err == ""


class Fake:
    """A command that ends as the test wants."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def configure(self, parser: Parser) -> None:
        parser.add_argument("--flag")

    def execute(self, args: object) -> int:
        raise self.error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("m", "h"), 64),
        (errors.InvalidBoards(()), 65),
        (errors.StoreUnreachable("m", "h"), 69),
        (errors.StoreFull("m", "h"), 1),
        (errors.Conflict("m", "h"), 3),
        (errors.Stale("m", "h"), 4),
        (errors.Refused("m", "h"), 5),
        (errors.Interrupted("m"), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_end_has_its_code(error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_module, "import_module", lambda name: Fake(error))
    assert main(["plan"]) == code


def test_global_options_mean_the_same_before_and_after() -> None:
    parser = Parser(parents=[global_options()])
    before = ["--redis", "redis://x", "--namespace", "n", "-o", "json", "--as", "eva"]
    args = parser.parse_args(before)
    assert (args.redis, args.namespace, args.output, args.actor) == ("redis://x", "n", "json", "eva")


def test_whoever_stops_reading_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "boards").mkdir()
    jobs = "".join(f"  j{n}: {{rum: x}}\n" for n in range(2000))
    (tmp_path / "boards" / "ops.yaml").write_text(f"board: ops\njobs:\n{jobs}")
    piped = f"{sys.executable} -m jobboard lint -o json | head -c 100 >/dev/null; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", piped], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "141"
    assert done.stderr == ""


@pytest.mark.parametrize("words", [["--help"], ["schema"], ["next", "--cron", "0 0 * * *"]])
def test_a_full_disk_is_an_error_in_a_sentence(words: list[str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        command = [sys.executable, "-m", "jobboard", *words]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("jobboard: cannot print on: no space left on device\n")


@pytest.mark.parametrize(("streams", "code"), [(">&-", 0), (">&- 2>&-", 0), ("bogus 2>&-", 64)])
def test_closed_streams_are_printed_to_in_vain(streams: str, code: int) -> None:
    words = streams if streams.startswith("bogus") else f"schema {streams}"
    done = subprocess.run(["sh", "-c", f"{sys.executable} -m jobboard {words}"], check=False)
    assert done.returncode == code


@pytest.mark.parametrize("words", [["--help"], ["lint"], ["schema"]])
def test_what_needs_no_store_loads_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    assert all(find_spec(name) for name in HEAVY)
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "ops.yaml").write_text("board: ops\njobs:\n  a: {run: x, every: 1h}\n")
    code = (
        "import sys; from jobboard.cli.main import main; code = main(sys.argv[1:]);"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ},
    )
    assert done.stderr == "[]\n"


def test_half_a_flag_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """Some lift a guard: what was meant has to be written out."""
    assert main(["lint", "--env", "x", "--outp", "json"]) == 64
    assert "there is no option --outp\n          did you mean --output?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["runs", "-n", "x"], "-n takes a whole number from 1 on, not 'x'"),
        (["runs", "-n", "0"], "-n takes a whole number from 1 on, not '0'"),
        (["push", "--priority", "x"], "--priority takes a whole number, not 'x'"),
        (["worker", "--slots", "0"], "--slots takes a whole number from 1 on, not '0'"),
        (["simulate", "--hours", "x"], "--hours takes a number of hours up to 8,784, not 'x'"),
        (["sync", "--auto"], "there is no option --auto\n          did you mean --auto-approve?"),
        (["sync", "--allow"], "did you mean --allow-empty or --allow-destroy?"),
        (["doctor", "x"], "'x' is one word too many"),
        (["cancel"], "RUN|JOB is missing\n          as in  jobboard cancel backup\n"),
        (["why"], "as in  jobboard why report\n          jobboard why --help tells the rest"),
        (["explain"], "jobboard: JOB is missing\n"),
        (["adopt"], "JOB and BOARD/JOB are missing"),
        (["set"], "JOB and KEY=VALUE are missing"),
        (["queues", "set"], "queues set: which queue?"),
        (["queues", "st", "slow"], "'st' is not set or trim"),
        (["queues", "slow", "--limit", "x"], "--limit takes a whole number from 1 on, not 'x'"),
        (
            ["queues", "slow", "--limit", "2"],
            "--limit is for queues set\n          jobboard queues set slow --limit 2",
        ),
        (["queues", "--keep", "3"], "--keep is for queues trim"),
        (["next", "--cron", "* * * * *", "--from", "x"], "--from: 'x' is no instant"),
        (["worker", "--lease", "5"], "--lease: 5 of what? write 5m for minutes or 5s for seconds"),
        (["reschedule", "a@b", "--delay", "x"], "--delay: 'x' is no duration"),
        (["runs", "-n"], "-n needs a value"),
        (["runs", "-o", "x"], "-o takes text or json, not 'x'"),
        (["bogus"], "there is no command 'bogus'\n          jobboard --help lists them"),
    ],
)
def test_what_is_mistyped_is_said_in_plain_words(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 64
    assert said in capsys.readouterr().err


def test_thousands_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = tmp_path / "ops.yaml"
    board.write_text("board: ops\njobs:\n" + "".join(f"  a{n}: {{run: x}}\n" for n in range(1000)))
    for command, said in (("lint", "1,000 jobs in 1 file"), ("graph", "None of 1,000 jobs")):
        assert main([command, str(board)]) == 0
        assert said in capsys.readouterr().out


@pytest.mark.parametrize(("command", "writes"), [("graph", False), ("fmt", True)])
def test_only_a_command_that_writes_says_that_nothing_was_written(
    command: str, writes: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = tmp_path / "ops.yaml"
    board.write_text("board: ops\njobs: 5\n")
    assert main([command, str(board)]) == 65
    said = capsys.readouterr().err
    assert "1 error in the boards" in said
    assert ("nothing was written" in said) == writes


def examples(command: str) -> list[str]:
    """The examples in what a command says of itself, each as far as what it does is told."""
    text = import_module(f"jobboard.cli.commands.{COMMANDS[command][0]}").__doc__ or ""
    lines = (line.strip() for line in text.splitlines())
    return [re.split(" {2,}", line)[0] for line in lines if line.startswith(f"jobboard {command}")]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_of_a_command_can_be_pasted(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module(f"jobboard.cli.commands.{COMMANDS[command][0]}")
    monkeypatch.setattr(module, "execute", lambda args: 0)
    for example in examples(command):
        words = shlex.split(example)[1:]
        shell = min((words.index(sign) for sign in ("|", ">", "<", "&&") if sign in words), default=None)
        assert main(words[:shell]) == 0, example
