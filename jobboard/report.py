"""For a command to say, while it runs, how far it is: ``from jobboard.report import progress``.

It needs neither the store nor anything but the standard library, and does nothing where the program is not
run by a worker. What it says goes to the worker as one datagram of JSON: ``key``, and any of ``percent``,
``text``, ``failure`` and ``group``.
"""

from __future__ import annotations

import json
import os
import socket

VARIABLE = "JOBBOARD_REPORT"
"""Where to report: ``ADDRESS#KEY``. An address that begins with @ is in Linux' abstract namespace."""

LONGEST_BYTES = 8192
LONGEST_TEXT = 200

_PATIENCE_S = 5.0


def progress(
    percent: int | None = None,
    text: str | None = None,
    *,
    failure: str | None = None,
    group: str | None = None,
) -> bool:
    """Report; whether there is a worker that has taken it.

    Args:
        percent: How far it is, 0 to 100.
        text: What it is doing; the first 200 characters count.
        failure: What to say of the run if it should fail.
        group: Which group of failures to count it with if it should.

    Raises:
        ValueError: The percentage is none.
    """
    if percent is not None and not 0 <= percent <= 100:
        raise ValueError(f"{percent} is no percentage; write 0 to 100")
    said = {
        "percent": percent,
        "text": text and text[:LONGEST_TEXT],
        "failure": failure and failure[:LONGEST_TEXT],
        "group": group and group[:LONGEST_TEXT],
    }
    return _send({name: value for name, value in said.items() if value is not None})


def _send(message: dict[str, object]) -> bool:
    address, _, key = os.environ.get(VARIABLE, "").rpartition("#")
    if not address:
        return False
    raw = json.dumps({"key": key, **message}).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_PATIENCE_S)
        try:
            sock.sendto(raw, "\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            return False
    return True
