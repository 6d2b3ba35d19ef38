from __future__ import annotations

import msgpack
import pytest

from jobboard.core.jobs.model import Definition
from jobboard.store.boards.codec import (
    decode_definition,
    decode_spec,
    encode_definition,
    encode_spec,
    launch_of,
)

SPEC = {
    "command": {"exec": ["pg_dump", "-Fc"]},
    "schedule": {"cron": "0 2 * * *", "timezone": "Europe/Madrid", "runs": 3},
    "timeout": 600_000,
    "locks": {"db": 1, "api": 3},
    "env": {"B": "2", "A": "1"},
    "enabled": False,
    "tags": ["nightly"],
}


def test_a_spec_comes_back_as_it_went_in() -> None:
    assert decode_spec(encode_spec(SPEC)) == SPEC


def test_order_of_writing_is_no_difference() -> None:
    shuffled = {name: SPEC[name] for name in reversed(SPEC)}
    shuffled["env"] = {"A": "1", "B": "2"}
    assert encode_spec(shuffled) == encode_spec(SPEC)


def test_an_equal_base_costs_one_byte() -> None:
    alike = Definition(7, 8, 9, SPEC, dict(SPEC))
    raw = encode_definition(alike)
    assert msgpack.unpackb(raw, raw=True)[5] is None
    assert decode_definition(raw) == alike
    assert not decode_definition(raw).drifted


@pytest.mark.parametrize(
    "base",
    [
        {**SPEC, "timeout": 1},
        {name: value for name, value in SPEC.items() if name != "timeout"},
        {**SPEC, "queue": "slow"},
        {"command": {"run": "true"}},
    ],
)
def test_a_different_base_comes_back_whole(base: dict[str, object]) -> None:
    definition = Definition(1, 2, 3, SPEC, base)
    assert decode_definition(encode_definition(definition)) == definition
    assert definition.drifted


def test_a_field_of_a_newer_version_survives() -> None:
    raw = b"\x01" + msgpack.packb({1: {"run": "x"}, 99: ["new"]})
    spec = decode_spec(raw)
    assert spec == {"command": {"run": "x"}, "#99": ["new"]}
    assert encode_spec(spec) == raw


def test_another_codec_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown codec"):
        decode_spec(b"\x02\x80")


def test_launch_holds_only_what_is_not_default() -> None:
    assert launch_of({"command": {"run": "x"}}) == {}
    assert launch_of(SPEC) == {"l": ["api", 3, "db", 1], "d": 1, "r": 3, "g": ["nightly"]}
