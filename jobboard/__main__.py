"""``python -m jobboard`` and the ``jobboard`` command."""

import sys

from jobboard.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
