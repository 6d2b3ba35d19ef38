"""How much of the past is kept, as it bears on an instant that nothing is known of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobboard.core.states import PASSED_OVER
from jobboard.core.times.instant import local_text

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of the past of all jobs, and of one.

    Attributes:
        back_to_ms: The end of the oldest record; None where there is none.
        bound: How many bytes of records are kept, in words: ``256M``.
        failures_bound: How long failures are kept when the others go.
        is_full: Whether so much is there that old records have gone.
        searched_to_ms: Up to where records were searched from the instant on; None for all there are.
        revision: The one that the job's definition is of, and when that was; None where it is not known.
        ended: What ended of the job in the UTC day of the instant, by state.
    """

    back_to_ms: int | None
    bound: str
    failures_bound: str
    is_full: bool = False
    searched_to_ms: int | None = None
    revision: tuple[int, int] | None = None
    ended: Mapping[str, int] = field(default_factory=dict)

    def about(self, job: str, at_ms: int, zone: str | None) -> str:
        """What is to be said where a job has no record of an instant: the likeliest reason first."""
        told = (self._of_definition(job, at_ms, zone), self._of_records(at_ms, zone), self._of_day())
        return " ".join(sentence for sentence in told if sentence)

    def _of_definition(self, job: str, at_ms: int, zone: str | None) -> str:
        if self.revision is None or self.revision[1] <= at_ms:
            return ""
        number, changed_ms = self.revision
        before = f"jobboard history {job} tells what it said before."
        return f"It says what it does since {_second(changed_ms, zone)}, revision {number}; {before}"

    def _of_records(self, at_ms: int, zone: str | None) -> str:
        if self.back_to_ms is None:
            return "No record of any job is kept."
        back = _second(self.back_to_ms, zone)
        if self.back_to_ms > at_ms and self.is_full:
            more = "jobboard config set history-bytes SIZE keeps more from now on."
            kept = f"the newest {self.bound} of all jobs, and failures for {self.failures_bound}"
            return f"Its record is gone: they are kept back to {back}, {kept}. {more}"
        if self.back_to_ms > at_ms:
            return f"The oldest record of any job is of {back}, and none had to go for want of room."
        if self.searched_to_ms is not None:
            return f"The records from then up to {_second(self.searched_to_ms, zone)} were searched."
        return "Records of that time are kept: it was not decided then."

    def _of_day(self) -> str:
        """What was counted, which may outlive the records."""
        states = sorted(self.ended, key=lambda state: (state in PASSED_OVER, state))
        told = ", ".join(f"{self.ended[state]:,} {state}" for state in states)
        return f"On that day (UTC) it had {told}." if told else ""


def _second(at_ms: int, zone: str | None) -> str:
    return local_text(at_ms - at_ms % 1000, zone)
