"""What `--target` and `--exclude` name: a job, a board or a tag that is there, or else what may be meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.core.names import address_of, split_address
from jobboard.store.boards import definitions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store

TAG = "tag:"


@dataclass(frozen=True, slots=True)
class Stored:
    """All boards of a store, by name, and where to read their jobs."""

    store: Store
    records: Mapping[str, BoardRecord]


class Known:
    """What can be named.

    Args:
        jobs: By address, those of the boards that were parsed: as the file has them, and as the store has.
        boards: The boards that were parsed.
        stored: All in the store; the jobs of those that were not parsed are read once a name is not found
            without them.
    """

    def __init__(
        self,
        jobs: Mapping[str, tuple[Spec | None, Definition | None]],
        boards: Collection[str],
        stored: Stored,
    ) -> None:
        self._store = stored.store
        self._addresses = set(jobs)
        self._tags = {tag for file, live in jobs.values() for tag in tags_of(file or {}, live)}
        self._boards = {*boards, *stored.records}
        self._unread = [record for name, record in stored.records.items() if name not in boards]

    def selector(self, text: str) -> str:
        """What `text` names, in full: a job's address, a board, or a tag behind ``tag:``.

        Raises:
            errors.UsageError: It names nothing, or jobs of several boards.
        """
        if self._is_exact(text):
            return text
        same = sorted(address for address in self._addresses if split_address(address)[1] == text)
        if len(same) == 1:
            return same[0]
        if same:
            from jobboard.store.runs.views import either

            raise errors.UsageError(f"{text} is on several boards", f"write {either(same)}")
        self._read_rest()
        if self._is_exact(text):
            return text
        if text.startswith(TAG):
            raise errors.UsageError(f"no job has the tag {text.removeprefix(TAG)}", self._tag_meant(text))
        raise errors.UsageError(f"there is no job or board {text} among these", self._meant(text))

    def _is_exact(self, text: str) -> bool:
        if text.startswith(TAG):
            return text.removeprefix(TAG) in self._tags
        return text in self._boards or text in self._addresses

    def _read_rest(self) -> None:
        for record in self._unread:
            for job, definition in definitions.read_definitions(self._store, record.version).items():
                self._addresses.add(address_of(record.name, job))
                self._tags |= tags_of({}, definition)
        self._unread = []

    def _tag_meant(self, text: str) -> str:
        from difflib import get_close_matches

        near = get_close_matches(text.removeprefix(TAG), self._tags, n=1)
        if near:
            return f"did you mean {TAG}{near[0]}?"
        listed = sorted(self._tags)
        more = ", …" if len(listed) > _LISTED else ""
        return f"the tags are {', '.join(listed[:_LISTED])}{more}" if listed else "no job has any tag"

    def _meant(self, text: str) -> str:
        from difflib import get_close_matches

        from jobboard.store.runs.views import either

        if text in self._tags:
            return f"did you mean {TAG}{text}?"
        near = get_close_matches(text, {*self._boards, *self._addresses}, n=3)
        if not near and "/" not in text:
            jobs = {split_address(address)[1] for address in self._addresses}
            named = get_close_matches(text, jobs, n=1)
            near = sorted(address for address in self._addresses if split_address(address)[1] in named)[:3]
        return f"did you mean {either(near)}?" if near else "write BOARD/JOB, BOARD, or tag:TAG"


def tags_of(file: Spec, live: Definition | None) -> set[str]:
    """The tags of a job, by its file or in the store."""
    return {*file.get("tags", ()), *(live.spec.get("tags", ()) if live else ())}


_LISTED = 10
