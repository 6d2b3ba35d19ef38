from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobboard.core.jobs import launch

if TYPE_CHECKING:
    from collections.abc import Mapping

URL = "redis://:secret@db:6379/0"


def env_of(spec: Mapping[str, object], outer: dict[str, str], **own: str) -> launch.Environment:
    def resolve(kind: str, name: str) -> str:
        if name not in outer:
            raise launch.Unresolvable(f"${{{kind}:{name}}} is not set")
        return outer[name]

    return launch.environment(spec, outer, own, resolve, URL)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("true", ["true"]),
        ("  backup.sh --all\t/var/lib ", ["backup.sh", "--all", "/var/lib"]),
        ("dd if=/dev/zero bs=1k count=3", ["dd", "if=/dev/zero", "bs=1k", "count=3"]),
        ("date +%s", ["date", "+%s"]),
    ],
)
def test_a_text_without_shell_syntax_runs_without_a_shell(text: str, words: list[str]) -> None:
    assert launch.argv_of({"command": {"run": text}}) == words


@pytest.mark.parametrize(
    "text",
    [
        "a | b",
        "a; b",
        "a && b",
        "a > f",
        "echo $HOME",
        "echo `date`",
        "ls *.log",
        "ls ?",
        "ls [a]",
        "echo ~",
        "echo 'x y'",
        'echo "x"',
        "echo a\\ b",
        "a # b",
        "a\nb",
        "{ a }",
        "! a",
        "cd /tmp",
        "exit 3",
        "exec top",
        "ulimit -n 5",
        ". ./env",
        "A=1 env",
        "if x",
        " ",
        "",
    ],
)
def test_a_text_with_shell_syntax_goes_to_the_shell(text: str) -> None:
    assert launch.argv_of({"command": {"run": text}}) == ["/bin/sh", "-c", text]


def test_a_shell_of_its_own_is_always_used() -> None:
    spec = {"command": {"run": "true"}, "shell": "/bin/bash"}
    assert launch.argv_of(spec) == ["/bin/bash", "-c", "true"]


def test_exec_is_taken_as_it_is() -> None:
    assert launch.argv_of({"command": {"exec": ["a", "$b", "c d"]}}) == ["a", "$b", "c d"]


@given(st.lists(st.text(alphabet="abzAZ019_./:,+@%=-", min_size=1), min_size=1, max_size=4))
def test_what_runs_without_a_shell_means_the_same_to_a_shell(words: list[str]) -> None:
    text = " ".join(["printf", "%s.", *words])
    assert not launch.needs_shell(text)
    sh = shutil.which("sh")
    assert sh is not None
    told = subprocess.run([sh, "-c", text], capture_output=True, check=True).stdout
    assert told.decode() == "".join(f"{word}." for word in launch.argv_of({"command": {"run": text}})[2:])


def test_a_run_gets_little_of_its_workers_environment() -> None:
    outer = {"PATH": "/bin", "HOME": "/root", "TZ": "UTC", "AWS_SECRET": "x", "LANG": "C.UTF-8"}
    got = env_of({}, outer, JOBBOARD_JOB="ops/a")
    assert got.values == {
        "PATH": "/bin",
        "HOME": "/root",
        "TZ": "UTC",
        "LANG": "C.UTF-8",
        "JOBBOARD_JOB": "ops/a",
    }


def test_a_worker_without_a_path_gives_a_usual_one() -> None:
    assert env_of({}, {}).values == {"PATH": launch.DEFAULT_PATH}


def test_inherit_adds_by_name_and_env_adds_and_overrides() -> None:
    spec = {"inherit": ["AWS", "ABSENT"], "env": {"HOME": "/srv", "MODE": "full"}}
    got = env_of(spec, {"PATH": "/bin", "HOME": "/root", "AWS": "x"})
    assert got.values == {"PATH": "/bin", "HOME": "/srv", "AWS": "x", "MODE": "full"}


def test_the_stores_url_is_never_passed_on() -> None:
    outer = {"PATH": "/bin", launch.HIDDEN: URL, "COPY": f"see {URL}"}
    spec = {"inherit": [launch.HIDDEN, "COPY"], "env": {launch.HIDDEN: "x"}}
    assert env_of(spec, outer).values == {"PATH": "/bin"}


def test_a_job_cannot_override_what_the_run_says_of_itself() -> None:
    got = env_of({"env": {"JOBBOARD_FENCE": "0"}}, {"PATH": "/bin"}, JOBBOARD_FENCE="7")
    assert got.values["JOBBOARD_FENCE"] == "7"


def test_references_are_resolved_and_known_as_secrets() -> None:
    spec = {"env": {"URL": "https://u:${env:PW}@h/${env:PW}", "DOLLARS": "$${env:PW} $$ ${x}"}}
    got = env_of(spec, {"PATH": "/bin", "PW": "hunter2"})
    assert got.values["URL"] == "https://u:hunter2@h/hunter2"
    assert got.values["DOLLARS"] == "${env:PW} $$ ${x}"
    assert got.secrets == ("hunter2",)


def test_a_value_is_not_expanded_again() -> None:
    got = env_of({"env": {"A": "${env:PW}"}}, {"PATH": "/bin", "PW": "${env:OTHER}"})
    assert got.values["A"] == "${env:OTHER}"


def test_a_reference_without_a_value_is_named() -> None:
    with pytest.raises(launch.Unresolvable, match=r"\$\{file:/etc/key\}"):
        env_of({"env": {"A": "${file:/etc/key}"}}, {"PATH": "/bin"})
