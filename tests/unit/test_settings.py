from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from jobboard import settings
from jobboard.core.names import is_name
from jobboard.errors import UsageError
from jobboard.settings import Settings, actor_of, default_namespace, masked, project_root


def read(environ: dict[str, str] | None = None, cwd: Path | None = None, **flags: str | None) -> Settings:
    return Settings.from_args(argparse.Namespace(**flags), environ or {}, cwd or Path("/"))


def test_nothing_said_means_the_embedded_store_of_this_project(tmp_path: Path) -> None:
    (tmp_path / "shop" / "boards").mkdir(parents=True)
    found = read({"HOME": "/root"}, tmp_path / "shop")
    assert found.embedded
    assert found.redis_url == "embedded://"
    assert re.fullmatch(r"shop-[0-9a-f]{6}", found.namespace)
    assert found.root == tmp_path / "shop"
    assert found.home == Path.home() / ".local/state/jobboard"
    assert found.via == "cli"


def test_a_flag_wins_over_the_environment() -> None:
    environ = {"JOBBOARD_REDIS_URL": "redis://env/1", "JOBBOARD_NAMESPACE": "env", "JOBBOARD_ACTOR": "env"}
    by_env = read(environ, redis=None, namespace=None)
    by_flag = read(environ, redis="unix:///tmp/s", namespace="flag", actor="ana")
    assert (by_env.redis_url, by_env.namespace, by_env.actor) == ("redis://env/1", "env", "env")
    assert (by_flag.redis_url, by_flag.namespace, by_flag.actor) == ("unix:///tmp/s", "flag", "ana")


def test_by_url_the_namespace_is_default() -> None:
    assert read(redis="redis://somewhere").namespace == "default"
    assert not read(redis="redis://somewhere").embedded


def test_home_is_moved_by_the_environment() -> None:
    assert read({"JOBBOARD_HOME": "/var/lib/jb"}).home == Path("/var/lib/jb")


@pytest.mark.parametrize("url", ["localhost:6379", "http://host", "redis:host", "", "://x"])
def test_what_is_no_store_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings._checked_url(url)
    assert "redis://HOST:PORT/DB" in str(caught.value.hint)


def test_a_refused_url_does_not_tell_its_password() -> None:
    with pytest.raises(UsageError) as caught:
        read(redis="http://ana:s3cret@host/0")
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize("namespace", ["a b", "../x", "a}b", "-x", "x" * 101])
def test_what_is_no_name_is_no_namespace(namespace: str) -> None:
    with pytest.raises(UsageError):
        read(namespace=namespace)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://:pw@host", "redis://:***@host"),
        ("rediss://ana:p:w/d@host/1", "rediss://ana:***@host/1"),
        ("rediss://ana:p:w@host/1", "rediss://ana:***@host/1"),
        ("redis://ana:p@w@host/1", "redis://ana:***@host/1"),
        ("unix://ana:pw@/run/s?db=1", "unix://ana:***@/run/s?db=1"),
        ("unix:///run/s?db=1&password=pw&x=1", "unix:///run/s?db=1&password=***&x=1"),
        ("rediss://h?ssl_password=pw", "rediss://h?ssl_password=***"),
    ],
)
def test_passwords_are_masked(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_the_root_is_the_nearest_project_file_then_git_then_boards(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b" / "c"
    inner.mkdir(parents=True)
    assert project_root(inner) == inner
    (tmp_path / "a" / "b" / "boards").mkdir()
    assert project_root(inner) == tmp_path / "a" / "b"
    (tmp_path / "a" / ".git").mkdir()
    assert project_root(inner) == tmp_path / "a"
    (tmp_path / "jobboard.yaml").touch()
    assert project_root(inner) == tmp_path


@pytest.mark.parametrize("path", ["/", "/srv/ünï côde", "/srv/.hidden", "/srv/" + "x" * 200, "/srv/a{b}"])
def test_every_root_gives_a_namespace(path: str) -> None:
    assert is_name(default_namespace("embedded://", Path(path)))


def test_two_roots_of_one_name_have_two_namespaces() -> None:
    assert default_namespace("embedded://", Path("/a/x")) != default_namespace("embedded://", Path("/b/x"))


def test_the_actor_is_named_by_us_then_by_ci_then_by_the_machine() -> None:
    ci = {"GITHUB_ACTOR": "octo", "CI": "true"}
    assert actor_of({"JOBBOARD_ACTOR": "ana", **ci}) == "ana"
    assert actor_of(ci) == "octo"
    assert read(ci).via == "ci"
    assert re.fullmatch(r".+@.+", actor_of({}))


def test_a_user_without_a_name_still_is_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("no such user")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert re.fullmatch(r"uid-\d+@.+", actor_of({}))
