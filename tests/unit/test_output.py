from __future__ import annotations

import random
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from jobboard.daemon.worker.output import HEAD_BYTES, TAIL_BYTES, Capture, Masker, Piece

SECRETS = ["hunter2", "hunt", "abab", "xyz\nsecond line\nq"]


def cut(text: bytes, seed: int) -> list[bytes]:
    """`text` in pieces of random length."""
    draw = random.Random(seed)
    pieces = []
    while text:
        length = draw.randint(1, 7)
        pieces.append(text[:length])
        text = text[length:]
    return pieces


def captured(chunks: list[bytes], secrets: list[str] | None = None) -> tuple[bytes, bytes, Capture]:
    capture = Capture(secrets or ())
    head = b""
    for chunk in chunks:
        capture.feed(chunk)
        head += whole(capture.take_head())
    capture.close()
    return head + whole(capture.take_head()), whole(capture.take_tail()), capture


def whole(pieces: list[Piece]) -> bytes:
    return b"".join(piece.content for piece in pieces)


def masked(chunks: list[bytes], secrets: list[str]) -> bytes:
    masker = Masker(secrets)
    return b"".join([masker.feed(chunk) for chunk in chunks] + [masker.rest()])


def test_short_output_is_kept_whole() -> None:
    head, tail, capture = captured([b"one\n", b"\xff\xfe\0", b"two"])
    assert (head, tail) == (b"one\n\xff\xfe\0two", b"")
    assert (capture.total_bytes, capture.dropped_bytes) == (10, 0)


def test_of_long_output_head_and_tail_are_kept_and_the_middle_is_counted() -> None:
    whole = bytes(i * i % 251 for i in range(HEAD_BYTES + TAIL_BYTES + 1000))
    head, tail, capture = captured([whole[i : i + 999] for i in range(0, len(whole), 999)])
    assert head == whole[:HEAD_BYTES]
    assert tail == whole[-TAIL_BYTES:]
    assert (capture.total_bytes, capture.dropped_bytes) == (len(whole), 1000)


@given(st.lists(st.integers(0, 3 * TAIL_BYTES), max_size=8))
def test_every_byte_is_kept_or_counted(lengths: list[int]) -> None:
    chunks = [bytes([i]) * length for i, length in enumerate(lengths)]
    whole = b"".join(chunks)
    head, tail, capture = captured(chunks)
    assert head == whole[:HEAD_BYTES]
    assert tail == whole[HEAD_BYTES:][-TAIL_BYTES:]
    assert len(head) + len(tail) + capture.dropped_bytes == len(whole) == capture.total_bytes


def test_endless_output_takes_no_more_memory() -> None:
    capture = Capture(["hunter2"])
    chunk = b"y\n" * (1 << 19)
    tracemalloc.start()
    for _ in range(50):
        capture.feed(chunk)
        capture.take_head()
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert capture.total_bytes > 50 * 10**6
    assert peak_bytes < 8 * 10**6


def test_secrets_are_masked() -> None:
    assert masked([b"pw=hunter2!"], SECRETS) == b"pw=***!"
    assert masked([b"xyz\nsecond line\nq"], SECRETS) == b"***"
    assert masked([b"the second line alone"], SECRETS) == b"the *** alone"


def test_a_secret_is_masked_wherever_it_is_cut() -> None:
    text = b"-hunter2-"
    for at in range(1, len(text)):
        assert masked([text[:at], text[at:]], SECRETS) == b"-***-", at


def test_the_longest_secret_is_masked_even_if_another_begins_it() -> None:
    assert masked([b"hunt", b"er2"], SECRETS) == b"***"
    assert masked([b"hunt", b"er3"], SECRETS) == b"***er3"


def test_what_only_looked_like_a_secret_is_passed_on() -> None:
    assert masked([b"hunter"], ["hunter2"]) == b"hunter"
    assert masked([b"hu", b"hu", b"hunter2"], ["hunter2"]) == b"huhu***"


def test_values_too_short_to_be_secret_are_left() -> None:
    assert masked([b"a1b"], ["1", "", "  "]) == b"a1b"


@given(st.text(alphabet="abhunter2 ", max_size=60), st.integers())
def test_masking_in_pieces_is_masking_the_whole(text: str, seed: int) -> None:
    secrets = ["hunter2", "abab", "hunt"]
    raw = text.encode()
    assert masked(cut(raw, seed), secrets) == masked([raw], secrets)
    for secret in secrets:
        assert secret.encode() not in masked(cut(raw, seed), secrets)
