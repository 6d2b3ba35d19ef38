"""A plan in words: what would change, when it shows, what drifted, what is held, what stands in the way.

The grammar is Terraform's, so that nobody has to learn it twice: ``+`` add, ``~`` change, ``-`` destroy,
``>`` move, ``&`` adopt, ``=`` record (the base follows, nothing that runs moves), ``.`` drift kept, or a job
let go, ``!`` stands in the way. Colour
only repeats what the symbol says. Every change is shown, since nothing may be written that was not; many
that are alike are shown once, with the names of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.cli.changes import (
    ClockTexts,
    adopting_ways_out,
    clash_lines,
    clash_ways_out,
    conflict_lines,
    drift_lines,
    field_lines,
    grouped,
    hold_text,
    override_lines,
    unexplained_text,
    ways_out,
)
from jobboard.cli.screen import ago, moment
from jobboard.cli.values import brief, shown
from jobboard.core.crowding import CLOCK_RULES, week_ahead
from jobboard.core.depend import parents_text, window_text
from jobboard.core.diagnostic import visible
from jobboard.core.forecast import crowded_instant, effect_of
from jobboard.core.names import LOOSE, split_address
from jobboard.core.plan import renamed_by_hand
from jobboard.reconcile.parts import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.cli.screen import Screen
    from jobboard.core.clash import Clash
    from jobboard.core.forecast import Effect
    from jobboard.core.plan import Action, BoardPlan, JobChange
    from jobboard.reconcile.around import Around
    from jobboard.reconcile.planning import Planned
    from jobboard.store.bystanders import Bystander

SYMBOLS: Mapping[Action, str] = {
    "adopt": "&",
    "move": ">",
    "add": "+",
    "change": "~",
    "destroy": "-",
    "record": "=",
    "forget": ".",
}
DONE: Mapping[Action, str] = {
    "adopt": "adopted",
    "move": "moved",
    "add": "added",
    "change": "changed",
    "destroy": "destroyed",
    "record": "recorded",
    "forget": "let go",
}
NAMED = 10
"""Jobs left out that are named."""
MATCHES = "No changes. Redis matches the job boards."
SHOWN_ALWAYS: Sequence[Action] = ("add", "change", "destroy")
"""Those it names even when they are empty."""
CROWDED = 3
"""Crowded hours that are named."""
WARNED_OF = 10
"""Warnings printed before the rest is only counted."""
NAMED = 20
"""Jobs that a sentence names before the rest is only counted."""
_HANG = 8
_NAMES_WIDTH = 100


class PlanText:
    """Writes one plan to a screen.

    Args:
        screen: Where to.
        planned: What.
        around: What is shown beside it.
        store_name: The store and namespace, for the head lines.
    """

    def __init__(self, screen: Screen, planned: Planned, around: Around, store_name: str) -> None:
        self.screen = screen
        self.planned = planned
        self.plan = planned.plan
        self.around = around
        self.store_name = store_name
        self._effects: dict[str, Effect] = {}
        self._clocks = ClockTexts(planned, around.now_ms)
        self._hints: dict[str, list[tuple[str, str]]] = {}
        for old, new in renamed_by_hand(planned.plan.changes):
            self._hints.setdefault(split_address(new)[0], []).append((old, new))

    def write(self) -> None:
        """The whole plan, its summary last."""
        self.warnings()
        for board in self.shown_boards():
            self._board(board)
        self.held()
        if self.plan.empty and self.plan.contested:
            self._say(f"Nothing to write. {self._skipped()}", "error")
            return
        if self.plan.empty:
            self.screen.line(self.nothing_to_do(), "good")
            if edited := self.edited():
                self._say(edited, "dim")
            if aside := self.left_out():
                self._say(aside, "dim")
            return
        self.foresight()
        self._say(self.summary(), "bold")
        if edited := self.edited():
            self._say(edited, "dim")
        if parts := self.in_parts():
            self._say(parts)
        if aside := self.left_out():
            self._say(aside, "dim")
        if unexplained := self.unexplained():
            self._say(unexplained, "change")
        if obstacle := self.obstacle():
            self._say(obstacle, "error")

    def in_parts(self) -> str:
        """That the plan is too large to be written at once; empty where it is not."""
        most = self.planned.options.boards_at_once
        parts = count(self.plan, most)
        if parts == 1:
            return ""
        return (
            f"More than {most:,} boards: they are written in {parts} parts, each of them all or nothing."
            " A sync that is stopped between two is finished by the next."
        )

    def nothing_to_do(self) -> str:
        """That there are no changes, of everything or of what was chosen."""
        return "No changes to what was chosen." if self.plan.left_out else MATCHES

    def left_out(self) -> str:
        """Which jobs the flags left out although there would be something to do; empty for none."""
        jobs = self.plan.left_out
        if not jobs:
            return ""
        more = f" and {len(jobs) - NAMED:,} more" if len(jobs) > NAMED else ""
        return f"Left out by --target or --exclude: {', '.join(jobs[:NAMED])}{more}."

    def shown_boards(self) -> list[BoardPlan]:
        """The boards there is anything to say about."""
        return [
            b
            for b in self.plan.boards
            if b.rewritten or b.missing or b.held or b.drift or b.conflicts or b.clashes or b.refusals
        ]

    def summary(self) -> str:
        """``Plan: 3 to add, 1 to change, 2 to destroy.`` and the digest; other groups only above zero."""
        return f"Plan: {counts_words(self.plan.counts)}.   digest {self.plan.digest[:15]}…"

    def edited(self) -> str:
        """How many live edits are kept, and since when; empty for none."""
        drift = self.plan.drift
        if not drift:
            return ""
        values = sum(len(job.fields) for job in drift)
        instants = [made["at"] for job in drift for made in self.around.edits.get(job.address, {}).values()]
        since = f", the oldest made {ago(self.around.now_ms - min(instants))} ago" if instants else ""
        kept = f"{_number(values, 'live edit')} of {_number(len(drift), 'job')}"
        return f"Kept: {kept}{since}."

    def unexplained(self) -> str:
        """Which changes the files' own do not explain; empty where all are, or nobody asked."""
        since = self.around.since
        if since is None or not since.unexplained:
            return ""
        total = len(self.plan.changes)
        named = ", ".join(sorted(since.unexplained)[:NAMED])
        more = f" and {len(since.unexplained) - NAMED:,} more" if len(since.unexplained) > NAMED else ""
        return (
            f"{len(since.unexplained):,} of {total:,} change{'s' if total != 1 else ''} not explained by what"
            f" the files changed since {since.ref} ({since.commit[:7]}): {named}{more}."
        )

    def obstacle(self) -> str:
        """What keeps a sync from writing this, or some of it; empty where nothing does."""
        if self.plan.applyable:
            return self._skipped() if self.plan.contested else ""
        conflicts = sum(len(conflict.fields) for conflict in self.plan.blocking)
        conflicts += sum(not clash.skipped for clash in self.plan.clashes)
        parts = [f"{conflicts} conflict{'s' if conflicts != 1 else ''}"] if conflicts else []
        if guards := len(self.plan.refusals):
            parts.append(f"{guards} guard{'s' if guards != 1 else ''}")
        return f"A sync would write none of it: {' and '.join(parts)} in the way."

    def _skipped(self) -> str:
        jobs = ", ".join(self.plan.skipped)
        return f"Left as they are, with their conflicts: {jobs}."

    def warnings(self) -> None:
        """What the boards' author may want to know."""
        # What a clock change does is said of the jobs that change; lint says it of all.
        warnings = [w for w in self.planned.warnings if w.rule not in CLOCK_RULES]
        for warning in warnings[:WARNED_OF]:
            self._say(f"{warning.place}  warn  {warning.message}", "dim")
        if len(warnings) > WARNED_OF:
            self._say(f"… and {len(warnings) - WARNED_OF} more warnings: jobboard lint shows them.", "dim")
        if warnings:
            self.screen.line()

    def source(self, board: BoardPlan) -> str:
        """Where a board's file is, and of which commit."""
        if board.name == LOOSE:
            return "jobs of no board"
        commit = board.meta.get("commit")
        return f"{self._file(board)} @ {commit[:7]}" if commit else self._file(board)

    def _board(self, board: BoardPlan) -> None:
        if board.name == LOOSE:
            self._say(f"Jobs of no board  → {self.store_name}", "bold")
        else:
            self._say(f"Board {board.name}  ({self.source(board)}) → {self.store_name}", "bold")
        for _ in (*self.changes(board), *self.kept(board), *self.obstacles(board)):
            pass
        self.screen.line()

    def changes(self, board: BoardPlan) -> Iterator[int]:
        """Write what becomes of a board and its jobs, piece by piece: how many changes each is about."""
        yield from self._standing(board)
        for alike in grouped(board.changes, self.around):
            if len(alike) > 1:
                self._alike(alike)
            else:
                self._change(board, alike[0])
            yield len(alike)
        yield from self._leaving(board)
        yield from self._renamed(board)

    def _leaving(self, board: BoardPlan) -> Iterator[int]:
        """Where jobs go that are shown with another board."""
        for change in self.plan.changes if board.left else ():
            home, job = split_address(change.source or change.address)
            if change.source and home == board.name != split_address(change.address)[0]:
                self._say(f"  {SYMBOLS[change.action]} {job} goes to {change.address}", change.action)
                yield 0

    def _renamed(self, board: BoardPlan) -> Iterator[int]:
        """How to keep what a job has, where it looks as if only its name had changed."""
        for old, new in self._hints.get(board.name, ()):
            self._say(f"    {old} goes and {new} comes, and both say the same. If it is one job with a")
            self._say(f"    new name, its times, holds and history stay with this in {self._file(board)}:")
            self._say("      moved:")
            self._say(f"        - {{from: {_short(old, board.name)}, to: {_short(new, board.name)}}}")
            yield 0

    def kept(self, board: BoardPlan) -> Iterator[int]:
        """Write which live edits are kept, job by job; none of that is a change."""
        for drift in board.drift:
            for line in drift_lines(drift, self.around):
                self._say(line, "dim")
            yield 0

    def obstacles(self, board: BoardPlan) -> Iterator[int]:
        """Write what stands in a board's way, piece by piece; none of that is a change."""
        for conflict in board.conflicts:
            place = self._place(board, split_address(conflict.address)[1])
            for line in conflict_lines(conflict, self.around, place):
                self._say(line, "error" if line.startswith("  !") else "")
            yield 0
        blocking = [conflict for conflict in board.conflicts if not conflict.skipped]
        sources = {target: source for source, target in self.planned.options.adopted.items()}
        if blocking and sources:
            for conflict in blocking:
                for line in adopting_ways_out(conflict, sources[conflict.address], self._file(board)):
                    self._say(line)
            yield 0
        elif blocking:
            reverting = self.planned.is_reverting(board.name)
            for line in ways_out(self._file(board), blocking, reverting=reverting):
                self._say(line)
            yield 0
        for clash in board.clashes:
            self._clash(board, clash)
            yield 0
        for refusal in board.refusals:
            self._say(f"  ! {refusal.message}", "error")
            self._say(f"      {refusal.way_out}")
            yield 0

    def _standing(self, board: BoardPlan) -> Iterator[int]:
        """What there is to say of the board itself."""
        if board.removed:
            self._say(
                f"  - the board itself, with all its {len(board.changes)} jobs; its file is gone", "destroy"
            )
            yield 0
        if board.held is not None:
            self._say(f"  . {held_words(board)}; its file has no say", "dim")
            self._say(f"      jobboard release {board.name}", "dim")
            yield 0
        if board.missing and not board.refusals:
            stay = f"{board.jobs} jobs stay as they are" if board.jobs != 1 else "one job stays as it is"
            self._say(f"  . {board.path} is gone; its {stay}", "dim")
            yield 0
        if board.version is None and not board.changes:
            self._say("  + the board, without any job", "add")
            yield 0
        for address, unmanaged in self.around.unmanaged.items():
            if split_address(address)[0] == board.name:
                self._say(
                    f"    {unmanaged} is on no board and has the name of {address}. To make it this job:"
                )
                self._say(f"      jobboard adopt {unmanaged} {address}")
                yield 0

    def _clash(self, board: BoardPlan, clash: Clash) -> None:
        boards = {b.name: b for b in self.plan.boards}
        homes = {part.address: boards[split_address(part.address)[0]] for part in clash.parts}
        places = {address: self._place(home, split_address(address)[1]) for address, home in homes.items()}
        for line in clash_lines(clash, self.around, places):
            self._say(line, "error" if line.startswith("  !") else "")
        if not clash.skipped:
            taking = {home.name: home for home in homes.values()} or {board.name: board}
            paths = sorted(self._file(home) for home in taking.values())
            reverting = any(self.planned.is_reverting(name) for name in taking)
            for line in clash_ways_out(clash, paths, reverting=reverting):
                self._say(line)
            if self.plan.left_out:
                self._say(
                    "      or let what it needs take part:  jobboard plan without --target and --exclude"
                )

    def _change(self, board: BoardPlan, change: JobChange) -> None:
        job = split_address(change.address)[1]
        head = f"  {SYMBOLS[change.action]} {_named(change):<14} {self._place(board, job)}".rstrip()
        unexplained = unexplained_text(change.address, self.around)
        self._say("   ".join(filter(None, [head, *self._facts(board, change), unexplained])), change.action)
        for line in field_lines(change, self.around):
            self._say(line)
        for text in self._clocks.of(board.name, change):
            self._say(f"        {'clock':<9}  {text}", "change")

    def _alike(self, changes: Sequence[JobChange]) -> None:
        """Changes that all say the same: one changed default, as a rule."""
        action = changes[0].action
        unexplained = unexplained_text(changes[0].address, self.around)
        head = f"  {SYMBOLS[action]} {len(changes):,} jobs alike"
        self._say("   ".join(filter(None, [head, unexplained])), action)
        for line in field_lines(changes[0], self.around):
            self._say(line)
        names = ", ".join(split_address(change.address)[1] for change in changes)
        self.screen.folded(f"        {names}", "dim", hang=_HANG, width=_NAMES_WIDTH)
        runs = [self.around.bystanders.get(change.address) for change in changes]
        queued = sum(one.queued for one in runs if one is not None)
        if queued and action == "change":
            take = any(board.requeue for board in self.plan.boards)
            rest = "take the new definition" if take else "keep what they were queued with"
            self._say(f"        {_runs(queued, 'queued')} of theirs {rest}", "dim")

    def _place(self, board: BoardPlan, job: str) -> str:
        parsed = self.planned.boards.get(board.name)
        line = parsed.lines.get(job) if parsed else None
        return f"{self._file(board)}:{line}" if line else ""

    def _file(self, board: BoardPlan) -> str:
        """The board's file as it was asked for: a path that works where the command was typed."""
        parsed = self.planned.boards.get(board.name)
        return parsed.shown if parsed else board.path

    def _facts(self, board: BoardPlan, change: JobChange) -> list[str]:
        """What follows the job's name on its line."""
        runs = self.around.bystanders.get(change.address)
        if change.action == "destroy":
            return self._last_of(board, change, runs)
        if change.away is not None:
            return ["stays away; what its file says now is remembered"]
        facts = self._when(change) if change.action != "record" and change.moves_schedule else []
        if change.source is not None and not change.moves_schedule:
            facts.append("its times stay")
        if runs is not None and runs.queued and change.redefines:
            facts.append(_waiting(runs, take=board.requeue))
        return facts

    def _last_of(self, board: BoardPlan, change: JobChange, runs: Bystander | None) -> list[str]:
        facts = []
        if runs is not None and runs.last_run is not None:
            facts.append(f"last run {self._moment(runs.last_run.ended_at_ms, None)} {runs.last_run.state}")
        if runs is not None and runs.running:
            facts.append(
                f"{_runs(runs.running, 'running')} will {'be stopped' if board.stopping else 'finish'}"
            )
        if runs is not None and runs.queued:
            facts.append(f"{_runs(runs.queued, 'queued')} called off")
        if change.before is not None and change.before.drifted:
            edits = sorted(self.around.edits.get(change.address, {}))
            facts.append(f"edited in Redis since: {', '.join(edits)}" if edits else "edited in Redis since")
        if over := self.around.overrides(change.address):
            facts.append(f"overrides gone with it: {', '.join(override.path for override in over)}")
        return facts

    def _when(self, change: JobChange) -> list[str]:
        assert change.runs is not None
        spec = change.runs
        zone = spec.get("schedule", {}).get("timezone")
        effect = self._effect(change)
        if effect.next_after_ms is None:
            return [_unscheduled(spec)]
        then = self._moment(effect.next_after_ms, zone)
        if "after" in spec:
            return [f"{window_text(spec)}, next from {then}"]
        if change.action == "add":
            return [f"next: {then}, {brief(shown('schedule', spec['schedule']))}"]
        if effect.next_before_ms is None or effect.next_before_ms == effect.next_after_ms:
            return [f"next: {then}"]
        return [f"next: {then} (was {self._moment(effect.next_before_ms, zone, effect.next_after_ms)})"]

    def _effect(self, change: JobChange) -> Effect:
        if change.address not in self._effects:
            self._effects[change.address] = effect_of(change, self.around.now_ms)
        return self._effects[change.address]

    def _moment(self, at_ms: int | None, zone: str | None, beside_ms: int | None = None) -> str:
        return moment(at_ms, zone, now_ms=self.around.now_ms, beside_ms=beside_ms)

    def held(self) -> None:
        """Who holds what."""
        for scope, holds in sorted(self.around.holds.items()):
            for hold in holds:
                self._say(f"  held     {hold_text(scope, hold, self.around.now_ms)}", "dim")
        for address, skip in self.around.skips.items():
            self._say(f"  skip     {address}: {visible(skip.words)}", "dim")
        for address in self.around.overridden:
            for line in override_lines(address, self.around):
                self._say(line, "dim")

    def foresight(self) -> None:
        """What the changes come to together."""
        self._crowd()
        self._week()
        self._flushed()

    def _crowd(self) -> None:
        # What comes a while after its own runs begins at once, and no jitter spreads it.
        moved = [
            c
            for c in self.plan.changes
            if c.action in ("add", "change") and c.moves_schedule and not _is_paced(c.runs)
        ]
        if crowd := crowded_instant(self._effect(change).next_after_ms for change in moved):
            count, then = crowd[0], self._moment(crowd[1], None)
            self._say(f"{count} of these jobs start together, {then}; jitter would spread them.", "dim")

    def _week(self) -> None:
        ahead = week_ahead(self.plan.changes, self.around.live, self.around.now_ms)
        if ahead is None:
            return
        if round(ahead.before, 1) != round(ahead.after, 1):
            self._say(f"Runs per day of these jobs: {_count(ahead.before)} → {_count(ahead.after)}.", "dim")
        counted = f"all {ahead.jobs:,} jobs" if ahead.all_jobs else "these jobs alone"
        for hour in ahead.crowded[:CROWDED]:
            days = f" and on {hour.days - 1} more days" if hour.days > 1 else ""
            starts = f"{hour.before:,} → {hour.after:,} runs start in that hour"
            self._say(f"Crowded: {self._moment(hour.from_ms, None)}{days}, {starts}, of {counted}.", "dim")

    def _flushed(self) -> None:
        if self.planned.fresh and self.plan.changes:
            self._say(
                "The namespace holds no board yet: this is its first sync, or it was flushed."
                " Nothing that was due before now is caught up with.",
                "dim",
            )

    def _say(self, text: str, style: str = "") -> None:
        inset = len(text) - len(text.lstrip())
        # What a job's own lines continue stands further in than they do.
        self.screen.folded(visible(text), style, hang=_HANG if inset < _HANG else inset + 4)


def counts_words(counts: Mapping[Action, int]) -> str:
    """``3 to add, 1 to change, 2 to destroy``; other groups only above zero."""
    return ", ".join(f"{counts[action]:,} to {action}" for action in summed_up(counts))


def summed_up(counts: Mapping[Action, int]) -> list[Action]:
    """The groups that a summary names: what is adopted first, what is let go last."""
    rest = [action for action in SYMBOLS if action not in SHOWN_ALWAYS and counts[action]]
    return [*(a for a in rest if a == "adopt"), *SHOWN_ALWAYS, *(a for a in rest if a != "adopt")]


def held_words(board: BoardPlan) -> str:
    """Which rollback holds a board, by whom and why."""
    held = board.held or {}
    reason = f': "{brief(held["reason"])}"' if held.get("reason") else ""
    return f"held at what revision {held.get('revision')} left, rolled back by {held.get('actor')}{reason}"


def _named(change: JobChange) -> str:
    """A job as its line names it: with the name it has until then, where that is another."""
    board, job = split_address(change.address)
    return job if change.source is None else f"{_short(change.source, board)} → {job}"


def _short(address: str, board: str) -> str:
    home, job = split_address(address)
    return job if home == board else address


def _runs(count: int, state: str) -> str:
    return _number(count, f"{state} run")


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"


def _waiting(runs: Bystander, *, take: bool) -> str:
    queued = [run for run in runs.live if run.state not in ("running", "stopping")]
    revisions = ", ".join(sorted({str(run.revision) for run in queued}))
    one = runs.queued == 1
    if take:
        return f"{_runs(runs.queued, 'queued')} of revision {revisions} take{'s' * one} the new one"
    return f"{_runs(runs.queued, 'queued')} keep{'s' * one} revision {revisions}"


def _count(number: float) -> str:
    """A number of runs: whole where it is large or whole, one decimal where it is small."""
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.1f}"


def _is_paced(spec: Mapping[str, Any] | None) -> bool:
    return spec is not None and "delay" in spec.get("schedule", {})


def _unscheduled(spec: Mapping[str, Any]) -> str:
    if spec.get("enabled") is False:
        return "disabled"
    if spec.get("after"):
        return parents_text(spec)
    return "never again" if spec.get("schedule") else "by hand"
