"""The keys of a namespace: every one, with its type and its owner.

Everything of a namespace lies behind one hash tag, ``jb:{NAMESPACE}:``, hence in one slot of a cluster.
Lua derives the same names from the tag (`lua/include/key.lua`); `tests/unit/test_scripts.py` holds the
scripts to `KEYS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

KeyType = Literal["HASH", "LIST", "SET", "STREAM", "ZSET"]


@dataclass(frozen=True, slots=True)
class KeyKind:
    """What one family of keys holds.

    Attributes:
        pattern: The name after the prefix; words in angle brackets vary.
        type: The Redis type.
        owner: ``sync`` for what syncs and live edits write, ``run`` for what schedulers and workers write,
            ``both`` for what they share.
        holds: What lies in it, in one line.
    """

    pattern: str
    type: KeyType
    owner: Literal["sync", "run", "both"]
    holds: str

    @property
    def word(self) -> str:
        """The first word of the name, by which scripts and `KEYS` know the family."""
        return self.pattern.partition(":")[0]


_KINDS = (
    KeyKind(
        "meta", "HASH", "both", "format, incarnation, counters, the release of zone data, the test clock"
    ),
    KeyKind("config", "HASH", "both", "bounds of what is kept, where they are not the built-in ones"),
    # Definitions: what should run.
    KeyKind("boards", "HASH", "sync", "board -> VERSION.EDITS"),
    KeyKind("defs:<version>", "HASH", "sync", "job -> packed definition; one hash per board version"),
    KeyKind("boardmeta", "HASH", "sync", "board -> where it came from, packed"),
    KeyKind("drift", "HASH", "sync", "board -> jobs whose live definition differs from their base, packed"),
    KeyKind("edits", "HASH", "sync", "job -> who edited it live, packed"),
    KeyKind("stages", "ZSET", "sync", "stage -> when it was opened"),
    KeyKind("staged:<stage>", "SET", "sync", "versions a stage has written"),
    KeyKind("quiet", "ZSET", "sync", "sync that keeps live edits waiting -> up to when"),
    KeyKind("committed", "ZSET", "sync", "stage -> the revision it became; the last 1000"),
    KeyKind("retired", "ZSET", "sync", "replaced version -> since when"),
    KeyKind("work", "LIST", "sync", "committed stages whose schedule entries are not all applied"),
    KeyKind("work:<stage>", "HASH", "sync", "job -> schedule entry to apply, packed"),
    KeyKind("moving", "HASH", "sync", "former address of a job whose runs are not all told -> the new one"),
    KeyKind(
        "renamed",
        "HASH",
        "both",
        "job -> former addresses by which its runs wait for others, packed",
    ),
    KeyKind("after:<parent>", "SET", "sync", "jobs that run after the parent"),
    KeyKind("holds", "HASH", "sync", "scope -> holds, packed"),
    KeyKind("skips", "HASH", "both", "job -> how many of its next runs are passed over, and why, packed"),
    KeyKind(
        "overrides", "ZSET", "both", "job with overrides -> when the first ends; the largest number for never"
    ),
    KeyKind("tombstones", "HASH", "sync", "deleted job -> what it was, packed"),
    KeyKind("buried", "ZSET", "sync", "deleted job with a tombstone -> since when, for what is kept of them"),
    KeyKind("revisions", "HASH", "sync", "number -> who synced what, packed"),
    KeyKind("changes:<stage>", "HASH", "sync", "job -> what the stage's sync did to it, packed"),
    KeyKind("changed", "ZSET", "sync", "stage whose changes are kept -> its revision"),
    KeyKind("audit", "STREAM", "both", "who changed what by hand or by sync"),
    # Schedule: what is due.
    KeyKind("sched", "ZSET", "both", "job -> when its next nominal is due"),
    KeyKind("cursor", "HASH", "both", "job -> the greatest nominal decided"),
    KeyKind("used", "HASH", "both", "job -> scheduled runs so far, where their number is limited"),
    KeyKind("claims", "ZSET", "both", "claimed job -> when the claim ends"),
    KeyKind("claim", "HASH", "both", "claimed job -> by which scheduler, due when, packed"),
    KeyKind("schedulers", "ZSET", "run", "scheduler -> last seen"),
    # Runs: what runs.
    KeyKind("run:<run>", "HASH", "run", "one live run"),
    KeyKind("live:<job>", "SET", "run", "the job's unfinished runs"),
    KeyKind("queue:<queue>", "ZSET", "run", "run -> rank: priority, then order of arrival"),
    KeyKind("queues", "SET", "run", "queues ever used"),
    KeyKind("inbox:<queue>", "LIST", "run", "what programs without jobboard push for a queue, newest first"),
    KeyKind("rejected", "STREAM", "run", "entries of inboxes that are no run, and why; the last thousand"),
    KeyKind("limits", "HASH", "run", "queue -> how many may run at once, and begin in a span, packed"),
    KeyKind("active:<queue>", "SET", "run", "runs that run, of a queue with a limit"),
    KeyKind("pace", "HASH", "run", "queue -> the instant up to which its rate is used up"),
    KeyKind("throttled", "ZSET", "run", "closed queue -> when to look at it again"),
    KeyKind("delay", "ZSET", "run", "run -> when it goes to its queue"),
    KeyKind("halted", "SET", "both", "delayed runs that a hold keeps from starting"),
    KeyKind("expiry", "ZSET", "run", "run -> up to when it has to be started"),
    KeyKind("deadlines", "ZSET", "run", "run -> when it is to be over"),
    KeyKind("expected", "ZSET", "both", "job -> when it is to have ended ok again"),
    KeyKind("incidents", "HASH", "both", "late run or overdue job -> since when, packed"),
    KeyKind("pushed", "ZSET", "run", "pushed run, mark of a push or a start -> up to when a repeat is known"),
    KeyKind("blocked", "ZSET", "run", "run that waits for other runs -> since when"),
    KeyKind("line:<job>", "ZSET", "run", "run that waits for the job's own unfinished runs -> its number"),
    KeyKind("needs:<run>", "SET", "run", "runs a blocked run waits for"),
    KeyKind("awaited:<run>", "SET", "run", "blocked runs that wait for the run"),
    KeyKind("wake:<who>", "LIST", "both", "tokens that wake whoever serves a queue, or the schedulers"),
    KeyKind("ctl:<worker>", "LIST", "run", "messages to a worker, packed"),
    KeyKind("workers", "ZSET", "run", "worker -> when its lease ends"),
    KeyKind("worker:<worker>", "HASH", "run", "where a worker runs, and what it serves"),
    KeyKind("holding:<worker>", "SET", "run", "runs a worker has reserved"),
    KeyKind("lock:<lock>", "SET", "run", "runs that hold the lock"),
    KeyKind("lockwait:<lock>", "ZSET", "run", "run that waits for the lock -> its rank"),
    KeyKind("barrier:<lock>", "ZSET", "run", "run that nobody younger may pass at the lock -> its age"),
    KeyKind("barriers", "ZSET", "run", "run with a barrier -> when it falls; the largest number for never"),
    KeyKind("lockrescan", "SET", "run", "locks whose waiters are still to be looked at"),
    KeyKind(
        "joins:<job>", "HASH", "run", "nominal -> which of the job's parents have ended, and how, packed"
    ),
    KeyKind(
        "asks:<job>", "ZSET", "both", "job that waits for runs of the job -> how far back it looks, in ms"
    ),
    KeyKind("outcomes:<job>", "ZSET", "run", "nominal and how it was decided -> the nominal"),
    KeyKind("told", "HASH", "run", "job -> how many of its outcomes were remembered so far"),
    KeyKind("gate:<run>", "HASH", "run", "job -> what the run still waits for of it, packed"),
    KeyKind(
        "gated:<job>",
        "ZSET",
        "run",
        "run of the job, and what it waits for -> the nominal it asks for; infinite for a span of them",
    ),
    KeyKind("gates", "ZSET", "run", "run -> when the first of its waits ends"),
    KeyKind("fanout", "LIST", "run", "what is still to be told: list number, what, how far it got, packed"),
    KeyKind("fanout:<list>", "SET", "run", "jobs of one such list"),
    KeyKind("zonedata", "HASH", "run", "scheduler -> version of the zone data it computes with"),
    # The past.
    KeyKind("history", "STREAM", "run", "finished runs, packed"),
    KeyKind("failures", "STREAM", "run", "finished runs that did not end ok, packed"),
    KeyKind("last:<job>", "LIST", "run", "the job's last records, newest first, packed"),
    KeyKind("out:<run>", "STREAM", "run", "chunks of the run's output"),
    KeyKind("outbytes", "HASH", "run", "run -> bytes of its output that are kept"),
    KeyKind(
        "outputs",
        "ZSET",
        "run",
        "run -> up to when its output should be kept; the largest number while it lives",
    ),
    KeyKind("tracked", "ZSET", "run", "run that somebody tracks, live or over -> since when"),
    KeyKind("tagged", "ZSET", "run", "run that was given tags when it was over -> when; the last thousand"),
    KeyKind(
        "bytag:<tag>", "LIST", "run", "where the records are of the last 200 runs that ended with the tag"
    ),
    KeyKind("tagsused", "ZSET", "run", "tag -> when a run ended with it last; the last ten thousand"),
    KeyKind("marked", "HASH", "run", "run that is over and tracked or tagged -> its record, packed"),
    KeyKind("aging", "ZSET", "run", "run -> when its output goes, where its job says how long it is kept"),
    KeyKind("kept:<job>", "ZSET", "run", "run with output, where the job says of how many -> its end"),
    KeyKind("uncounted", "LIST", "run", "ends of runs, written down and not counted yet, packed; a few"),
    KeyKind("minute:<minute>", "HASH", "run", "queue -> what ended in a minute, counted, packed; two days"),
    KeyKind("day:<day>", "HASH", "run", "queue -> what ended in a UTC day, counted, packed; 400 days"),
    KeyKind("jobday:<day>", "HASH", "run", "job -> what ended in a UTC day, counted, packed; 30 days"),
    KeyKind("events", "STREAM", "both", "what happened, as it happens; ten thousand entries, the last ones"),
)

_BY_PATTERN = {kind.pattern: kind for kind in _KINDS}
KEYS: Mapping[str, KeyKind] = MappingProxyType(_BY_PATTERN)
"""Every family of keys, by its pattern."""
