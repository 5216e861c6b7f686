"""The protocol in SQL, in two ways: ``naive``, which looks right and loses messages, and ``locked``, which does not.

    message (account, seq, body)    counter (account, svr)    mark (account, confirmed)

    send      naive   insert into message ... nextval(the account's sequence)    an identity column does the same
              locked  update counter set svr = svr + 1 ... returning svr, in the statement that inserts
    recv(c)   the counter, or the sequence's last value, is seq_svr               c above it: refused, nothing touched
              update mark set confirmed = c where it is less
              select ... where seq > greatest(c, confirmed) order by seq
    trim      delete what is confirmed
    preset    set the counter, or the sequence

A sequence counts outside of transactions, so that writers do not wait for each other. Hence two faults. Who took 2 may
commit before who took 1: then a phone is given 2, asks after 2, and never sees 1, which was acknowledged. And what a
rollback or a crash has taken is gone: a gap. The row lock of the counter makes writers of one account wait until the
one before has committed, so seqs become visible in their order, and a rollback gives its seq back.

The schema is ours, the engine PostgreSQL's: what is refuted or confirmed is this way of using it.
Source: https://www.postgresql.org/docs/current/functions-sequence.html, "nextval".
"""

from __future__ import annotations

import hashlib
from typing import Any

from seqproof_model.profile import UINT_MAX

TABLES = """
create table message (account text, seq bigint, body text not null, primary key (account, seq));
create table counter (account text primary key, svr bigint not null);
create table mark (account text primary key, confirmed bigint not null);
"""
FORGET = tuple(f"delete from {table} where account = %(account)s" for table in ("message", "counter", "mark"))  # noqa: S608
CONFIRM = "update mark set confirmed = %(seq)s where account = %(account)s and confirmed < %(seq)s"
DUE = """select seq, body from message where account = %(account)s and seq > greatest(%(seq)s,
         (select confirmed from mark where account = %(account)s)) order by seq"""
TRIM = """delete from message where account = %(account)s
          and seq <= (select confirmed from mark where account = %(account)s)"""


class Locked:
    """A counter row of each account, locked until the send that raised it has ended."""

    name = "locked"
    send = f"""with next as (update counter set svr = svr + 1 where account = %(account)s and svr < {UINT_MAX}
                             returning svr)
               insert into message select %(account)s, svr, %(body)s from next returning seq"""  # noqa: S608
    last = "select svr from counter where account = %(account)s"
    fresh: tuple[str, ...] = (
        "insert into counter values (%(account)s, %(seq)s)",
        "insert into mark values (%(account)s, 0)",
    )


class Naive(Locked):
    """A sequence for each account."""

    name = "naive"
    send = "insert into message values (%(account)s, nextval(%(sequence)s::regclass), %(body)s) returning seq"
    last = "select coalesce(pg_sequence_last_value(%(sequence)s::regclass), 0)"
    fresh = (
        "drop sequence if exists {sequence}",
        f"create sequence {{sequence}} maxvalue {UINT_MAX}",
        "select setval(%(sequence)s::regclass, %(seq)s) where %(seq)s > 0",
        "insert into mark values (%(account)s, 0)",
    )


WAYS: dict[str, type[Locked]] = {"naive": Naive, "locked": Locked}


def words(account: str, **more: object) -> dict[str, Any]:
    """The parameters of a statement. A name in SQL has at most 63 bytes, so the sequence's is a digest."""
    return {"account": account, "sequence": "s" + hashlib.sha256(account.encode()).hexdigest()[:40], **more}
