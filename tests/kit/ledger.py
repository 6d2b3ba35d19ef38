"""A ledger that commands write outside the store, and what it has to agree with.

Three accounts of one story are held to each other: the ledger, in the order in which things happened; the
history in the store; and a list of the runs there had to be, made without either.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.store.calls.wire import unpack

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from jobboard.store.calls.connect import Store

Record = dict[str, Any]

MOST_TRIES = 20
"""So many attempts a record remembers beside the last."""

MOST_LOSSES = 3
"""A run that was lost so often is not tried again."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the ledger.

    Attributes:
        word: ``begin``, ``end``, or ``crowded`` for one that found a lock's places taken.
        run_id: The run.
        token: The attempt's fencing token.
        detail: The locks it began with, ``-`` for none; the code it ended with; or the lock and the tokens of
            those who were found to hold it.
    """

    word: str
    run_id: str
    token: int
    detail: str


def read_ledger(path: Path) -> list[Line]:
    """Every line, in the order in which they were written."""
    split = (line.split(" ") for line in path.read_text().splitlines())
    return [Line(word, run_id, int(token), detail) for word, run_id, _attempt, token, detail in split]


def read_history(store: Store) -> Iterator[Record]:
    """Every record of the history, oldest first, in pages."""
    after = "-"
    while page := _page(store, after):
        yield from (unpack(fields[b"r"]) for _, fields in page)
        after = "(" + page[-1][0].decode()


def _page(store: Store, after: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    entries: Any = store.client.xrange(store.key("history"), after, "+", count=1000)
    return list(entries)


def compare(
    lines: list[Line], records: list[Record], expected: Collection[str], children: Mapping[str, str]
) -> None:
    """Hold the three accounts to each other.

    Args:
        lines: The ledger.
        records: The history.
        expected: The runs there had to be, beside those that follow others.
        children: Job and the job that runs after it, where it ended ok.

    Raises:
        AssertionError: They differ, and where.
    """
    ended = [record for record in records if "id" in record]
    by_id = {record["id"]: record for record in ended}
    assert len(by_id) == len(ended), f"two records: {_repeated(ended)}"
    crowded = [line for line in lines if line.word == "crowded"]
    assert not crowded, f"a lock was held over its capacity: {crowded}"
    late = _begun_after_the_end(lines, by_id)
    assert not late, f"begun under a lock when it was over: {late} of {[by_id[one.run_id] for one in late]}"
    _agree_on_runs(records, by_id, expected, children)
    begun: dict[str, list[int]] = defaultdict(list)
    codes = {line.token: int(line.detail) for line in lines if line.word == "end"}
    for line in lines:
        if line.word == "begin":
            begun[line.run_id].append(line.token)
    assert not begun.keys() - by_id.keys(), f"begun and not on record: {begun.keys() - by_id.keys()}"
    for record in ended:
        _agree_on_attempts(record, begun[record["id"]], codes)


def _begun_after_the_end(lines: list[Line], by_id: Mapping[str, Record]) -> list[Line]:
    """Attempts at a run with locks that began when the attempt it ended ok with was over.

    Without locks an attempt may: its worker was cut off, and what runs there is let go on.
    """
    over: set[str] = set()
    found = []
    for line in lines:
        record = by_id.get(line.run_id, {})
        if line.word == "begin" and line.detail != "-" and line.run_id in over:
            found.append(line)
        elif line.word == "end" and (record.get("state"), record.get("token")) == ("ok", line.token):
            over.add(line.run_id)
    return found


def _repeated(ended: list[Record]) -> list[str]:
    ids = [record["id"] for record in ended]
    return sorted({run_id for run_id in ids if ids.count(run_id) > 1})


def _agree_on_runs(
    records: list[Record], by_id: Mapping[str, Record], expected: Collection[str], children: Mapping[str, str]
) -> None:
    """Every run that had to be is there, and no other; what follows a run that did not end ok was skipped."""
    wanted, skipped = set(expected), dict.fromkeys(children.values(), 0)
    for run_id in expected:
        job, _, nominal = run_id.partition("@")
        if job in children and run_id in by_id:
            if by_id[run_id]["state"] == "ok":
                wanted.add(f"{children[job]}@{nominal}")
            else:
                skipped[children[job]] += 1
    assert not wanted - by_id.keys(), f"lost: {sorted(wanted - by_id.keys())}"
    assert not by_id.keys() - wanted, f"never asked for: {sorted(by_id.keys() - wanted)}"
    passed = dict.fromkeys(children.values(), 0)
    for record in records:
        if "count" in record:
            passed[record["job"]] += record["count"]
    assert passed == skipped, f"passed over {passed}, not {skipped}"


def _agree_on_attempts(record: Record, begun: list[int], codes: Mapping[int, int]) -> None:
    """Every attempt that began is on record and ended as its record says; none followed one that ended ok."""
    tries = {each["token"]: each for each in [*record.get("tries", ()), record]}
    assert len(set(begun)) == len(begun), f"an attempt began twice: {record}"
    if len(tries) <= MOST_TRIES:
        assert set(begun) <= tries.keys(), f"attempts {set(begun) - tries.keys()} are on no record: {record}"
    assert record["state"] in ("ok", "lost"), f"it did not go on until it was ok: {record}"
    assert record["state"] == "ok" or record["lost"] == MOST_LOSSES, f"given up too early: {record}"
    for token in begun:
        seen, code = tries.get(token, {}), codes.get(token)
        # One that was lost or killed may have got to its end unheard.
        assert seen.get("exit", code) == code, f"{token} ended with {code}: {record}"
    if record["state"] == "ok":
        assert codes.get(record["token"]) == 0, f"it says ok and the ledger does not: {record}"
