"""The reference server as a program: ``python -m seqproof_reference --db FILE``; see ``--help``.

Exit codes: 0 stopped in order, 2 usage, 4 it could not start (one line on stderr says why).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

CANNOT_START = 4


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m seqproof_reference",
        description="A correct message-sync server on SQLite, for the kit to be tried on.",
        epilog="example: python -m seqproof_reference --db /tmp/msgs.db --port 0 --admin --page-size 2",
    )
    parser.add_argument("--db", required=True, type=Path, metavar="FILE", help="the store; made when it is not there")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default %(default)s)")
    parser.add_argument("--port", default=0, type=int, help="0, the default, takes a free one")
    parser.add_argument("--connect", type=int, default=1, metavar="N", help="so many ConnectSvrs, each on its own port")
    parser.add_argument("--page-size", type=int, metavar="N", help="rows in a reply at most (default: all)")
    parser.add_argument("--admin", action="store_true", help="offer /admin: reset, preset_seq, trim, fail_next_store")
    parser.add_argument("--nonce", default="", metavar="TEXT", help="comes back in /v1/hello")
    parser.add_argument("--restored", action="store_true", help="the file is from a backup: announce a new epoch")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns the exit code."""
    asked = _parser().parse_args(arguments)
    from seqproof_reference.serve import (  # after the arguments, so that --help answers at once
        Options,
        ServeError,
        serve,
    )

    try:
        return serve(Options(**vars(asked)))
    except ServeError as error:
        print(f"seqproof-reference: {error}", file=sys.stderr)
        return CANNOT_START


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # before it listened
        sys.exit(0)
