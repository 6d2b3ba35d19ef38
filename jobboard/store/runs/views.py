"""What a person typed, and the job, board or run that is meant.

A job may be named alone where that is unique, a run by the beginning of its nominal. What is not found is
answered with what comes nearest, and what is ambiguous with the candidates. Uses read commands only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.core.names import RESERVED, address_of, is_address, is_name, split_address
from jobboard.store.boards import definitions
from jobboard.store.calls.reading import read_hashes, read_set
from jobboard.store.runs import past
from jobboard.store.runs.marks import marked
from jobboard.store.runs.world import read_workers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobboard.core.runs.facts import Worker
    from jobboard.core.runs.record import Record
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store

SHOWN = 6
"""How many candidates a message names."""
_NO_BOARDS = (
    "no board was synced yet: jobboard sync brings those of the files here, jobboard init writes a first one"
)


def find_job(store: Store, text: str) -> str:
    """The address of the job that is meant.

    Args:
        store: Where.
        text: ``board/job``, or a job's own name where only one board has it.

    Raises:
        errors.UsageError: There is none, or there are several; the hint says what could be meant.
    """
    versions = _versions(store)
    board, job = split_address(text) if "/" in text else (None, text)
    asked = {board: versions[board]} if board in versions else versions if board is None else {}
    found = _having(store, asked, job) if is_name(job) else []
    if len(found) == 1:
        return found[0]
    if found:
        raise errors.UsageError(f'"{text}" is on several boards', f"write {either(found)}")
    raise errors.UsageError(f"there is no job {text}", _nearest_job(store, text, versions))


def find_job_or_past(store: Store, text: str) -> str:
    """As `find_job`; or the full address of a job that is gone and has runs left.

    Raises:
        errors.UsageError: As `find_job`.
    """
    try:
        return find_job(store, text)
    except errors.UsageError:
        if is_address(text) and past.known_runs(store, text):
            return text
        raise


def find_run(store: Store, text: str) -> Record:
    """The run that is meant, live or finished, with what it is marked with.

    Args:
        store: Where.
        text: A run id; ``JOB@`` and the beginning of a run's nominal; or ``JOB`` for its latest run, a live
            one first. JOB as in `find_job`, or the address of a job that is gone and has runs left.

    Raises:
        errors.UsageError: There is none, or there are several; the hint says what to type.
    """
    return marked(store, [_meant(store, text)])[0]


def find_run_and_job(store: Store, text: str) -> tuple[Record, str]:
    """The run that is meant, and the address that its job has now.

    Raises:
        errors.UsageError: As `find_run`.
    """
    run = find_run(store, text)
    try:
        return run, find_job(store, text.partition("@")[0])
    except errors.UsageError:
        return run, run.job


def _meant(store: Store, text: str) -> Record:
    name, at, suffix = text.partition("@")
    if at and split_address(name)[0] in RESERVED and (known := past.read_run(store, text)) is not None:
        return known
    address = find_job_or_past(store, name)
    if not at:
        return _latest(store, address)
    exact = past.read_run(store, f"{address}@{suffix}")
    if exact is not None:
        return exact
    near = [run for run in past.known_runs(store, address) if run.suffix.startswith(suffix)]
    if len(near) == 1:
        return near[0]
    if near:
        several = either([run.run_id for run in near])
        raise errors.UsageError(f"{len(near)} runs of {address} begin with {suffix}", f"write {several}")
    raise errors.UsageError(f"there is no run {address}@{suffix}", f"jobboard runs {address} lists them")


def find_worker(store: Store, text: str) -> Worker:
    """The worker that is meant: by its id, or by its name where one worker has it.

    Raises:
        errors.UsageError: There is none, or there are several; the hint says which.
    """
    found = [one for one in read_workers(store) if text in (one.name, one.name.rpartition(".")[0])]
    if len(found) == 1:
        return found[0]
    if found:
        several = either([one.name for one in found])
        raise errors.UsageError(f"{len(found)} workers are called {text}", f"write {several}")
    raise errors.UsageError(f"there is no worker {text}", "jobboard workers lists them")


def find_board(store: Store, name: str) -> BoardRecord:
    """The board of that name.

    Raises:
        errors.UsageError: There is none.
    """
    found = definitions.read_board(store, name)
    if found is None:
        raise errors.UsageError(f"there is no board {name}", nearest_board(store, name))
    return found


def nearest_board(store: Store, name: str) -> str:
    """What somebody may mean who names a board that there is not."""
    from difflib import get_close_matches

    boards = sorted(_versions(store))
    near = get_close_matches(name, boards, n=3)
    if near:
        return f"did you mean {either(near)}?"
    more = ", …" if len(boards) > SHOWN else ""
    return f"the boards are {', '.join(boards[:SHOWN])}{more}" if boards else _NO_BOARDS


def remarks(
    store: Store, *, board: str | None = None, queue: str | None = None, tag: str | None = None
) -> list[str]:
    """What is not there of what somebody named, in a sentence each, with what may be meant.

    None of it is wrong for sure: there may be runs of a board that is gone, and jobs of a tag yet to come.
    """
    said = []
    if board is not None and not is_board(store, board):
        said.append(f"There is no board {board}: {nearest_board(store, board)}")
    if queue is not None and queue not in (queues := _queues(store)):
        said.append(f"No run has been in a queue {queue}, and nobody serves it{_instead(queue, queues)}")
    if tag is not None and tag not in (tags := _tags(store)):
        said.append(f"No job has the tag {tag}{_instead(tag, tags)}")
    return [sentence if sentence.endswith("?") else f"{sentence}." for sentence in said]


def _instead(text: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(text, sorted(known), n=3)
    return f": did you mean {either(near)}?" if near else ""


def _queues(store: Store) -> set[str]:
    served = {queue for worker in read_workers(store) for queue in worker.queues}
    return served | {queue.decode() for queue in read_set(store, store.key("queues"))}


def _tags(store: Store) -> set[str]:
    jobs = (definitions.read_definitions(store, version).values() for version in _versions(store).values())
    return {tag for board in jobs for definition in board for tag in definition.spec.get("tags", ())}


def find_scope(store: Store, text: str) -> str:
    """The scope of a hold on the board or the job that is meant: ``board:NAME`` or ``job:ADDRESS``.

    Raises:
        errors.UsageError: There is neither; or there are both, and a hold on the wrong one does harm.
    """
    board = text.removesuffix("/")
    if not is_board(store, board):
        return f"job:{_job_of_scope(store, text)}"
    if board == text and (job := _job_too(store, text)):
        raise errors.UsageError(
            f"{text} is a board and a job", f"write {job} for the job, {text}/ for the board"
        )
    return f"board:{board}"


def _job_of_scope(store: Store, text: str) -> str:
    """The job that is meant where a board could be, too.

    Raises:
        errors.UsageError: There is none, or there are several.
    """
    try:
        return find_job(store, text)
    except errors.UsageError as error:
        hint = nearest_board(store, text) if "/" not in text else ""
        if not hint.startswith("did you mean"):
            raise
        raise errors.UsageError(f"there is no job or board {text}", hint) from error


def _job_too(store: Store, text: str) -> str | None:
    try:
        return find_job(store, text)
    except errors.UsageError:
        return None


def is_board(store: Store, text: str) -> bool:
    """Whether a board is called that."""
    return bool(store.read(("HEXISTS", store.key("boards"), text))[0])


def _latest(store: Store, address: str) -> Record:
    runs = past.known_runs(store, address)
    if not runs:
        raise errors.UsageError(f"{address} has no run yet", f"jobboard why {address} says what it waits for")
    return runs[0]


def _versions(store: Store) -> dict[str, str]:
    (found,) = read_hashes(store, store.key("boards"))
    return {board.decode(): version.decode() for board, version in sorted(found.items())}


def _having(store: Store, versions: Mapping[str, str], job: str) -> list[str]:
    """Addresses of the jobs of that name."""
    keys = [store.key("defs", definitions.defs_of(version)) for version in versions.values()]
    answers = store.read(*(("HEXISTS", key, job) for key in keys))
    return [address_of(board, job) for board, there in zip(versions, answers, strict=True) if there]


def _nearest_job(store: Store, text: str, versions: Mapping[str, str]) -> str:
    from difflib import get_close_matches

    if not versions:
        return _NO_BOARDS
    addresses = list(_addresses(store, versions))
    by_name: dict[str, list[str]] = {}
    for address in addresses:
        by_name.setdefault(split_address(address)[1], []).append(address)
    near = get_close_matches(text, addresses, n=3) if "/" in text else []
    for name in get_close_matches(split_address(text)[1] or text, by_name, n=3) if not near else []:
        near += by_name[name]
    return f"did you mean {either(near)}?" if near else "jobboard ls lists the jobs"


def _addresses(store: Store, versions: Mapping[str, str]) -> Iterable[str]:
    for board, version in versions.items():
        (jobs,) = read_hashes(store, store.key("defs", definitions.defs_of(version)))
        yield from (address_of(board, job.decode()) for job in jobs)


def either(candidates: Sequence[str]) -> str:
    """Some of what could be meant, for people: ``a, b or c``."""
    named = list(candidates[:SHOWN])
    if len(candidates) > SHOWN:
        named.append(f"another of {len(candidates)}")
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} or {named[-1]}"
