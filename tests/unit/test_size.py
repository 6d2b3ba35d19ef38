from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobboard.core.size import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("64K", 65536), ("512M", 2**29), ("1.5G", 3 * 2**29), ("2TiB", 2**41), ("1 M", 2**20), (1000, 1000)],
)
def test_a_size_is_read(text: str | int, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "M", "5", "5MB", "-1M", "5m", "9999999T", 2**60])
def test_what_is_no_size_is_refused(text: str | int) -> None:
    with pytest.raises(ValueError, match="is not a size; write it as in 64K"):
        parse_size(text)


@given(st.integers(1, 2**50))
def test_what_is_shown_reads_the_same(size_bytes: int) -> None:
    shown = format_size(size_bytes)
    assert parse_size(int(shown) if shown.isdecimal() else shown) == size_bytes
