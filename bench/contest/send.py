"""Enqueue so many tasks for one contestant: ``python -m bench.contest.send rq nothing 1000``."""

import sys
from importlib import import_module

if __name__ == "__main__":
    import_module(f"bench.contest.apps.{sys.argv[1]}_app").send(sys.argv[2], int(sys.argv[3]))
