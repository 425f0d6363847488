"""`python -m c4py`: the same as the command."""

import sys

from c4py.cli import main

if __name__ == "__main__":
    sys.exit(main())
