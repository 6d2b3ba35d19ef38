"""`core.times.schedule_words`: what people read."""

from __future__ import annotations

from typing import Any

import pytest

from jobboard.core.times.schedule import words


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ({"every": 185_000}, "every 3m5s"),
        ({"cron": "* * * * *"}, "every minute"),
        ({"cron": "*/5 * * * *"}, "every 5 minutes"),
        ({"cron": "*/7 * * * *"}, "*/7 * * * * (UTC)"),
        ({"cron": "0 * * * *"}, "every hour"),
        ({"cron": "17 * * * *"}, "every hour at :17"),
        ({"cron": "0 */6 * * *"}, "every 6 hours"),
        ({"cron": "0 2 * * *", "timezone": "Europe/Madrid"}, "at 02:00 every day (Europe/Madrid)"),
        ({"cron": "0 2,14 * * *"}, "at 02:00 and 14:00 every day (UTC)"),
        ({"cron": "0 9 * * 1-5"}, "at 09:00 Monday to Friday (UTC)"),
        ({"cron": "30 6 * * 0,3"}, "at 06:30 every Sunday and Wednesday (UTC)"),
        ({"cron": "0 0 1,15 * *"}, "at 00:00 on day 1 and 15 of every month (UTC)"),
        ({"cron": "0 0 L * *"}, "at 00:00 on the last day of every month (UTC)"),
        ({"cron": "*/15 0-5 * * *"}, "*/15 0-5 * * * (UTC)"),
        ({"cron": "0 0 1 1 *"}, "0 0 1 1 * (UTC)"),
        ({"cron": "0 0 * * 5#2"}, "0 0 * * 5#2 (UTC)"),
        ({"cron": "0,10,20,30,40 1 * * *"}, "0,10,20,30,40 1 * * * (UTC)"),
        (
            {"cron": ["0 2 * * 1-5", "30 4 * * 6"]},
            "at 02:00 Monday to Friday and at 04:30 every Saturday (UTC)",
        ),
        ({"cron": "*/10 * * * * *", "seconds": True}, "every 10 seconds"),
        ({"cron": "* * * * * *", "seconds": True}, "every second"),
        ({"cron": "30 0 2 * * *", "seconds": True}, "30 0 2 * * * (UTC)"),
        ({"cron": "0 0 1-7 * 1", "days": "and"}, "0 0 1-7 * 1 (both days) (UTC)"),
        ({"cron": "0 0 */2 * 1", "days": "or"}, "0 0 */2 * 1 (either day) (UTC)"),
        ({"cron": "nonsense"}, "nonsense (UTC)"),
        ({"at": [0]}, "at 1970-01-01T00:00:00Z"),
        ({"at": [0, 1000, 2000]}, "at 1970-01-01T00:00:00Z and 2 more"),
        (
            {"every": 5_000, "jitter": 1_000, "start": 0, "stop": 60_000, "runs": 3},
            "every 5s, up to 1s later, from 1970-01-01T00:00:00Z, until 1970-01-01T00:01:00Z, 3 times",
        ),
        ({"every": 5_000, "runs": 1}, "every 5s, once"),
    ],
)
def test_a_schedule_in_words(schedule: dict[str, Any], text: str) -> None:
    assert words(schedule) == text
