"""What an inbox may hold, and what is said of everything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobboard.core.jobs.entry import Entry, read_entry


def test_a_text_is_a_command_for_the_shell() -> None:
    assert read_entry(b"  ls -l | wc -l\n") == Entry({"run": "ls -l | wc -l"})
    assert read_entry(b"[ -f x ] && echo yes") == Entry({"run": "[ -f x ] && echo yes"})


def test_an_object_holds_keys_of_a_job_and_what_a_push_can_say() -> None:
    entry = read_entry(
        b'{"exec": ["./mail.sh"], "priority": 5, "payload": {"to": "ana"}, "id": "mail-1", "delay": "10m",'
        b' "expires": "1h", "after": "push/common@a", "replace": true, "reason": "asked", "name": "mail"}'
    )
    assert entry.keys == {"exec": ["./mail.sh"], "priority": 5}
    assert (entry.job, entry.payload) == (None, '{"to": "ana"}')
    assert entry.more == {
        "id": "mail-1",
        "delay_ms": 600_000,
        "expires_in_ms": 3_600_000,
        "after": ("push/common@a",),
        "replace": True,
        "reason": "asked",
        "name": "mail",
    }


def test_a_payload_of_text_stays_as_it_is() -> None:
    assert read_entry(b'{"job": "shop/mail", "payload": "ana"}') == Entry({}, "shop/mail", "ana")
    assert read_entry(b'{"job": "shop/mail", "payload": 0}').payload == "0"
    assert read_entry(b'{"job": "shop/mail", "payload": null}').payload is None


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"caf\xe9", "not UTF-8, from byte 3"),
        (b"echo \0", "NUL"),
        (b"{ ls; }", r'no JSON: .* line 1 column 3 .*\{"run": "\{ …; \}"\}'),
        (b'{"run": "a", "run": "b"}', '"run" stands there twice'),
        (b'{"run": "a", "priority": NaN}', "NaN is no JSON number"),
        (b'{"run": "a", "exec": ["b"]}', "two commands"),
        (b'{"run": "a", "queue": "slow"}', "push into the other queue's"),
        (b'{"run": "a", "delay": "1m", "at": "2026-01-01"}', "both say when"),
        (b'{"run": "a", "delay": 5}', "delay: .*5"),
        (b'{"run": "a", "expires": "soon"}', "expires: "),
        (b'{"run": "a", "after": 7}', "after: it takes the id of a run"),
        (b'{"run": "a", "replace": "yes"}', "replace: it is true or false"),
        (b'{"run": "a", "id": 7}', "id is no text"),
        (b'{"job": "a/b", "name": "c"}', "a name of its own"),
        (b'{"a": ' + 100_000 * b"[", "nested too deeply"),
    ],
)
def test_what_is_no_entry_is_refused_in_words(raw: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_entry(raw)


@given(st.binary() | st.binary().map(lambda tail: b"{" + tail))
def test_anything_at_all_is_read_or_refused(raw: bytes) -> None:
    said = ""
    try:
        read_entry(raw)
    except ValueError as error:
        said = str(error)
    else:
        said = "read"
    assert said
