"""The forms a plan comes in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobboard.cli.plans.simulated import Outlook
    from jobboard.cli.screen import Screen
    from jobboard.reconcile.around import Around
    from jobboard.reconcile.planning import Planned

MATCHES = "No changes. Redis matches the job boards."
FORMS = ("text", "diff", "json", "markdown", "github")


@dataclass(frozen=True, slots=True)
class PlanForms:
    """A plan with all that is shown beside it.

    Attributes:
        planned: The plan.
        around: Its surroundings.
        store_name: The store and namespace in words.
        outlook: Both sides simulated; None where nobody asked.
    """

    planned: Planned
    around: Around
    store_name: str
    outlook: Outlook | None = None

    def write(self, form: str, screen: Screen) -> None:
        """Write one of `FORMS`."""
        {
            "text": self._text,
            "diff": self._diff,
            "json": self._json,
            "markdown": self._markdown,
            "github": self._github,
        }[form](screen)

    def _text(self, screen: Screen) -> None:
        beside = self.around.holds or self.around.skips or self.around.overridden
        if self.planned.plan.quiet and not (self.planned.warnings or beside):
            # Most plans: what writes the others takes longer to import than this took to find out.
            screen.line(MATCHES, "good")
        else:
            from jobboard.cli.plans.text import PlanText

            PlanText(screen, self.planned, self.around, self.store_name).write()
        if self.outlook is not None:
            from jobboard.cli.plans.simulated import write_outlook

            write_outlook(screen, self.outlook)

    def _diff(self, screen: Screen) -> None:
        from jobboard.cli.plans.diff import plan_diff

        for line in plan_diff(self.planned.plan, self.around):
            style = {"+": "add", "-": "destroy", "@": "record", "#": "dim"}.get(line[:1], "")
            style = "error" if line.startswith(("# conflict", "# refused")) else style
            screen.line(line, "bold" if line.startswith(("--- ", "+++ ")) else style)

    def _json(self, screen: Screen) -> None:
        import json

        from jobboard.cli.plans.jsonform import plan_json

        said = plan_json(self.planned, self.around)
        if self.outlook is not None:
            from jobboard.cli.plans.simulated import outlook_json

            said["simulation"] = outlook_json(self.outlook)
        screen.line(json.dumps(said, indent=2, ensure_ascii=False))

    def _markdown(self, screen: Screen) -> None:
        screen.stream.write(self.markdown())

    def markdown(self) -> str:
        """The plan as a comment."""
        from jobboard.cli.plans.markdown import PlanMarkdown
        from jobboard.cli.screen import Collected

        simulated = Collected()
        if self.outlook is not None:
            from jobboard.cli.plans.simulated import write_outlook

            write_outlook(simulated, self.outlook)
        return PlanMarkdown(self.planned, self.around, self.store_name, simulated.taken()).text()

    def _github(self, screen: Screen) -> None:
        from jobboard.cli.github import add_summary
        from jobboard.cli.plans.github import plan_annotations

        for line in plan_annotations(self.planned, self.around):
            screen.line(line)
        add_summary(self.markdown())
