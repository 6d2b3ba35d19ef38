"""The units and the container of the README: what they say is true of the programs they start."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from kit import readme
from kit.work import until

from jobboard.cli.main import main
from jobboard.core.jobs.model import FIELDS
from jobboard.core.times.duration import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jobboard.store.calls.connect import Store


class Unit(configparser.RawConfigParser):
    """A unit of systemd, with its keys as they are written."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def blocks(name: str, language: str) -> list[str]:
    """The blocks of a language in a part of the README."""
    return re.findall(rf"```{language}\n(.*?)```", readme.part(name), re.DOTALL)


def unit(name: str) -> Unit:
    """A unit by the name of its file."""
    (text,) = (text for text in blocks("systemd", "ini") if f"jobboard-{name}.service" in text)
    read = Unit(strict=True)
    read.read_string(text)
    return read


def span_ms(text: str) -> int:
    return parse_duration(text.replace("min", "m"))


def words_of(command: str) -> list[str]:
    """What a unit or a container gives the program."""
    words = shlex.split(command)
    return words[1:] if words[0].endswith("/jobboard") else words


def is_understood(words: Sequence[str]) -> bool:
    """Whether a command line means something: nobody answers, and that is all that is wrong."""
    return main([*words, "--redis", "unix:///nowhere/s", "--store-wait", "0s"]) == 69


def grace_ms(words: Sequence[str]) -> int:
    return parse_duration(words[words.index("--grace") + 1])


@pytest.mark.parametrize("name", ["worker", "scheduler"])
def test_a_unit_starts_a_command_that_is_understood(name: str) -> None:
    service = unit(name)["Service"]
    assert words_of(service["ExecStart"])[0] == name
    assert is_understood(words_of(service["ExecStart"]))
    assert service["Restart"] == "always"


def test_a_worker_has_time_to_stop_and_its_own_way_to_do_it() -> None:
    service = unit("worker")["Service"]
    assert (service["Type"], service["KillMode"], service["Delegate"]) == ("notify", "mixed", "yes")
    assert service["DelegateSubgroup"]
    kill_after_ms = FIELDS["kill_after"].default
    assert span_ms(service["TimeoutStopSec"]) >= grace_ms(words_of(service["ExecStart"])) + kill_after_ms
    assert service["ExecReload"].split()[1] == "-HUP"
    assert service["Environment"] == f"JOBBOARD_HOME=/var/lib/{service['StateDirectory']}"


def environ_of(service: Mapping[str, str], home: Path, address: Path) -> dict[str, str]:
    """What the service manager would set."""
    watchdog = {"WATCHDOG_USEC": str(span_ms(service["WatchdogSec"]) * 1000)}
    more = {
        "NOTIFY_SOCKET": str(address),
        "JOBBOARD_HOME": str(home),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    return {**os.environ, **watchdog, **more}


@pytest.mark.parametrize("name", ["worker", "scheduler"])
def test_a_unit_hears_what_it_waits_for(store: Store, tmp_path: Path, name: str) -> None:
    service = unit(name)["Service"]
    assert service["Type"] == "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        worker = subprocess.Popen(
            [sys.executable, "-m", "jobboard", *words_of(service["ExecStart"])],
            env={
                **environ_of(service, tmp_path, tmp_path / "notify"),
                "JOBBOARD_REDIS_URL": store.url,
                "JOBBOARD_NAMESPACE": store.namespace,
            },
            stderr=subprocess.DEVNULL,
        )
        heard: list[str] = []

        def hears(word: str) -> bool:
            heard.append(manager.recv(4096).decode())
            return word in heard

        until(lambda: hears("READY=1"), 20)
        assert "WATCHDOG=1" in heard
        worker.terminate()
        until(lambda: hears("STOPPING=1"), 20)
        assert worker.wait(20) == 0


@pytest.mark.parametrize("name", ["worker", "scheduler"])
def test_the_watchdog_is_fed_while_the_store_is_waited_for(tmp_path: Path, name: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        environ = environ_of(unit(name)["Service"], tmp_path, tmp_path / "notify")
        worker = subprocess.Popen(
            [sys.executable, "-m", "jobboard", name, "--redis", f"unix://{tmp_path}/nobody"],
            env=environ,
            stderr=subprocess.DEVNULL,
        )
        assert {manager.recv(4096) for _ in range(2)} == {b"WATCHDOG=1"}
        worker.terminate()
        assert worker.wait(20) == 0


# ---- the container


def services() -> dict[str, Any]:
    (text,) = blocks("container", "yaml")
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return found


def test_the_first_process_of_the_container_is_the_program() -> None:
    (text,) = blocks("container", "dockerfile")
    assert 'ENTRYPOINT ["jobboard"]' in text
    assert "USER jobs" in text


@pytest.mark.parametrize("name", ["worker", "scheduler"])
def test_a_container_runs_a_command_that_is_understood(name: str) -> None:
    service = services()[name]
    assert is_understood(words_of(service["command"]))
    assert service["environment"]["JOBBOARD_REDIS_URL"].startswith("redis://store:")


@pytest.mark.parametrize("name", ["worker", "scheduler"])
def test_a_container_is_well_when_its_program_is_ready(store: Store, tmp_path: Path, name: str) -> None:
    service = services()[name]
    words = words_of(service["command"])
    at = words.index("--ready-file") + 1
    assert service["healthcheck"]["test"][-1] == words[at]
    words[at] = str(tmp_path / "ready")
    environ = {"PYTHONPATH": os.pathsep.join(sys.path), "JOBBOARD_HOME": str(tmp_path)}
    program = subprocess.Popen(
        [sys.executable, "-m", "jobboard", *words, "--redis", store.url, "--namespace", store.namespace],
        env={**os.environ, **environ},
        stderr=subprocess.DEVNULL,
    )
    until((tmp_path / "ready").exists, 20)
    program.terminate()
    assert program.wait(20) == 0
    assert not (tmp_path / "ready").exists()


def test_a_worker_in_a_container_has_time_to_stop() -> None:
    service = services()["worker"]
    words = words_of(service["command"])
    assert span_ms(service["stop_grace_period"]) >= grace_ms(words) + FIELDS["kill_after"].default


def test_the_store_of_the_container_keeps_what_it_is_given() -> None:
    words = services()["store"]["command"].split()
    assert words[words.index("--appendonly") + 1] == "yes"
    assert words[words.index("--maxmemory-policy") + 1] == "noeviction"
