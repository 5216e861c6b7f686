"""Where the command `seqproof` begins: it loads the command line, so that Ctrl-C while loading is no traceback."""

from __future__ import annotations

import sys


def main() -> None:
    """Load the command line and run it. Exits with its code."""
    try:
        from seqproof_conformance import cli
    except KeyboardInterrupt:
        sys.exit(130)
    cli.main()
