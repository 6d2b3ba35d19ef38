"""How long ago something was, as people read it."""

from __future__ import annotations

import pytest

from jobboard.cli.screen import ago

S, M, H, D = 1_000, 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("span_ms", "said"),
    [
        (-5, "just now"),
        (999, "just now"),
        (S, "1s ago"),
        (M - 1, "59s ago"),
        (64 * S, "1m ago"),
        (H - 1, "59m ago"),
        (D - 1, "23h ago"),
        (30 * D, "30d ago"),
    ],
)
def test_how_long_ago_is_told_to_its_largest_unit(span_ms: int, said: str) -> None:
    assert ago(span_ms) == said
