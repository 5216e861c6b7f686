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
    add = parser.add_argument
    add("--db", required=True, type=Path, metavar="FILE", help="the store; made when it is not there")
    add("--host", default="127.0.0.1", help="the address to listen on (default %(default)s)")
    add("--port", default=0, type=int, help="0, the default, takes a free one")
    add("--connect", default=1, type=int, metavar="N", help="so many ConnectSvrs, on ports that follow (default 1)")
    add("--page-size", type=int, metavar="N", help="rows in a reply at most (default: all)")
    add("--admin", action="store_true", help="offer /admin, for tests: reset, preset_seq, trim, quiesce, ...")
    add("--nonce", default="", metavar="TEXT", help="comes back in /v1/hello")
    add("--restored", action="store_true", help="the file is from a backup: announce a new epoch")
    add("--blacklist", type=Path, metavar="FILE", help='who may not write to whom: name = ["sender", ...] a line')
    add("--tokens", type=Path, metavar="FILE", help='who may ask: account = "token" a line; without it anybody may')
    add("--rate", type=float, metavar="N", help="requests a second of one token (default 100)")
    add("--burst", type=int, metavar="N", help="requests of one token at once (default twice the rate)")
    add(
        "--unprotected",
        action="store_true",
        help="let other machines in without tokens, or with --admin",
    )
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
