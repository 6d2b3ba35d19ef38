"""For tests of your own boards: run a job as a worker would, with no store and no worker.

from jobboard import testing

def test_the_report_is_built() -> None:
result = testing.run("boards/reports.yaml", "daily", nominal="2026-03-29T02:30:00Z")
assert result.ok, result.text
assert result.reports[-1].percent == 100

def test_the_copy_says_how_far_it_is() -> None:
with testing.record() as recorder:
copy("a", "b")
assert [report.percent for report in recorder.reports] == [50, 100]
"""

from jobboard.testing.recorder import Recorder, Report, record
from jobboard.testing.running import Result, run

__all__ = ["Recorder", "Report", "Result", "record", "run"]
