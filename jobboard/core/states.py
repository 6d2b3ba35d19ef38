"""The words for how a run stands, and for a nominal that was decided without one."""

from __future__ import annotations

LIVE = ("running", "stopping", "waiting", "queued", "delayed", "blocked")
"""Of a run that is not over, the furthest first."""
ENDED = ("ok", "failed", "cancelled", "lost")
"""Of a run that is over."""
PASSED_OVER = ("skipped", "missed", "held")
"""Of a nominal that no run was made for."""
