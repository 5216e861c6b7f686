"""Where the command `seqproof` begins: it loads the part of the command line that is asked for, and runs it.

The model's commands need none of the server kit, and start in half the time without it. Nothing that is loaded is
garbage, so no time goes into looking for any; from then on a collection covers only what came later. Ctrl-C while
loading is no traceback.
"""

from __future__ import annotations

import gc
import sys

OF_THE_MODEL = ("explore", "prove", "simulate")


def main() -> None:
    """Load the command line and run it. Exits with its code."""
    gc.disable()
    try:
        if len(sys.argv) > 1 and sys.argv[1] in OF_THE_MODEL:
            from seqproof_conformance.designer import main as asked
        else:
            from seqproof_conformance.cli import main as asked
    except KeyboardInterrupt:
        sys.exit(130)
    gc.freeze()
    gc.enable()
    asked()
