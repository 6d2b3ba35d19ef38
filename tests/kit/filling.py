"""Runs as a process of its own: ``python filling.py HOME BYTES`` fills the disk under the embedded store.

No file that the server writes may grow past BYTES. It writes until the store refuses, then says the error's
name, its words, how many writes were confirmed, and the hint, a line each.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from jobboard import errors
from jobboard.settings import Settings
from jobboard.store.calls.connect import explained, open_store


def main() -> None:
    home, limit = Path(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    confirmed = 0
    with open_store(Settings("embedded://", "x", home, "ana", "cli", Path("/"))) as store:
        try:
            while True:
                with explained(store.url):
                    store.client.rpush(store.key("wake", "q"), "x" * 1000)
                confirmed += 1
        except errors.JobboardError as error:
            said = (type(error).__name__, error.message, str(confirmed), str(error.hint))
            sys.stdout.write("\n".join(said))


if __name__ == "__main__":
    main()
