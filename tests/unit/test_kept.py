"""What is said of an instant that no record is of."""

from __future__ import annotations

from jobboard.core.runs.kept import Kept
from jobboard.core.times.instant import parse_instant

AT = parse_instant("2026-03-02T05:00:00Z")
LATER = parse_instant("2026-03-05T11:12:13.456Z")
LATER_TEXT = "2026-03-05 12:12:13 +01:00"


def said(kept: Kept) -> list[str]:
    """What is said, in sentences."""
    return kept.about("b/a", AT, "Europe/Madrid").removesuffix(".").split(". ")


def test_where_no_record_is_kept_that_is_said() -> None:
    assert said(Kept(None, "256M", "2w")) == ["No record of any job is kept"]


def test_a_record_that_had_to_go_is_told_from_one_that_never_was() -> None:
    gone = f"Its record is gone: they are kept back to {LATER_TEXT}, the newest 256M of all jobs"
    more = "jobboard config set history-bytes SIZE keeps more from now on"
    assert said(Kept(LATER, "256M", "2w", is_full=True)) == [f"{gone}, and failures for 2w", more]
    never = f"The oldest record of any job is of {LATER_TEXT}, and none had to go for want of room"
    assert said(Kept(LATER, "256M", "2w")) == [never]
    assert said(Kept(AT, "256M", "2w")) == ["Records of that time are kept: it was not decided then"]


def test_how_far_was_searched_is_said() -> None:
    searched = Kept(AT, "256M", "2w", searched_to_ms=LATER)
    assert said(searched) == [f"The records from then up to {LATER_TEXT} were searched"]


def test_a_definition_that_is_younger_is_named_first_and_what_was_counted_last() -> None:
    counted = {"missed": 3, "ok": 1200, "failed": 1}
    told = said(Kept(AT, "256M", "2w", revision=(7, LATER), ended=counted))
    assert told[0] == (
        f"It says what it does since {LATER_TEXT}, revision 7; jobboard history b/a tells what it said before"
    )
    assert told[-1] == "On that day (UTC) it had 1 failed, 1,200 ok, 3 missed"
    assert len(said(Kept(AT, "256M", "2w", revision=(7, AT)))) == 1
