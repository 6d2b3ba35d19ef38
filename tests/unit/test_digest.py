"""What a board's bytes come to mean, as one value: a board is read again exactly when that may have moved."""

from __future__ import annotations

import pytest

from jobboard.source import digest
from jobboard.source.digest import digest_of

BOARD = b"board: ops\njobs: {a: {run: x}}\n"


def test_equal_bytes_mean_the_same_and_others_may_not() -> None:
    assert digest_of(BOARD) == digest_of(bytes(BOARD))
    assert digest_of(BOARD) != digest_of(BOARD + b"# a comment\n")


@pytest.mark.parametrize(("name", "other"), [("VERSION", "99.0"), ("zone_version", lambda: "2099z")])
def test_other_rules_and_other_zone_data_may_mean_something_else(
    monkeypatch: pytest.MonkeyPatch, name: str, other: object
) -> None:
    before = digest_of(BOARD)
    with monkeypatch.context() as patch:
        patch.setattr(digest, name, other)
        assert digest_of(BOARD) != before
    assert digest_of(BOARD) == before
