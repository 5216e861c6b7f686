"""What is made on a server that runs already: how it is named, and when it may be removed.

    redis:URL, nats:URL, postgres:URL

Such a server belongs to somebody. So the kit only connects; it never kills it, and nothing is learned of what a crash
would lose: what needs kill is not graded. Everything that a run makes there has a name that begins with the run's own,
``seqproof-NONCE``, and is removed when the run ends: by success, by failure, by Ctrl-C.

A kit that is killed by SIGKILL, or whose machine is gone, removes nothing. The next run on the same server does, and
must not take a run that is still alive, perhaps on another machine, for a dead one. The server knows: a run holds a
connection as long as it lives, on which it can be noticed by its name.

    redis       it subscribes to the channel of its name                  PUBSUB NUMSUB: nobody there
    nats        it answers on a subject of its name                       a request: no responders
    postgres    it holds an advisory lock of its nonce                    the lock is free

This connection is made before anything else is. A run whose connection broke ends at its next account, rather than
judge a server by accounts that somebody may have removed.
Source: docs/servers.md.
"""

from __future__ import annotations

import re
import secrets

from seqproof_conformance.adapter import TargetError

PREFIX = "seqproof"
NONCE = "[0-9a-f]{12}"
OURS = "made by seqproof, which removes it; if its run was killed, its next run does"


def new_run(joint: str = "-") -> str:
    """The name of a run.

    >>> of_run(new_run() + "-x") != "" == of_run("seqproof-cache") == of_run("my" + new_run())
    True
    """
    return f"{PREFIX}{joint}{secrets.token_hex(6)}"


def of_run(name: str) -> str:
    """The run that a name begins with; "" where the name is none of the kit's."""
    found = re.match(f"{PREFIX}[-_]{NONCE}(?=[-_]|$)", name)
    return found[0] if found else ""


def lost(target: str) -> TargetError:
    """What to raise when the connection by which a run is known to live is gone."""
    what = "the connection that shows that this run is alive has ended, and another run may remove its accounts"
    return TargetError(f"{target}: {what}; run it again")
