"""The targets ``postgres:URL``, ``postgres:naive,URL``: a PostgreSQL server that runs already.

The SQL stands in ``postgres_inbox``. The tables of a run are in a schema named seqproof_NONCE, which the user must be
allowed to make, and the run holds an advisory lock of its nonce; ``running_names`` says what that is for. A schema
counts as the kit's only with the kit's comment on it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from seqproof_conformance.adapter import Hello, TargetError
from seqproof_conformance.address import Address
from seqproof_conformance.postgres_adapter import ABLE, PostgresInboxes
from seqproof_conformance.postgres_client import Requests
from seqproof_conformance.running_names import OURS, lost, new_run, of_run

FOUND = """select nspname from pg_namespace where nspname like 'seqproof\\_%%'
           and obj_description(oid, 'pg_namespace') = %s and pg_has_role(nspowner, 'usage')"""
SEQUENCES = "select sequencename from pg_sequences where schemaname = %s limit 500"
LOCKS = 0x5E90 << 48  # where the kit's numbers of advisory locks begin


class RunningPostgres(PostgresInboxes):
    """``way``: naive or locked."""

    def __init__(self, address: Address, way: str) -> None:
        self._address, self._run = address, new_run("_")
        self.requests = Requests(way, address.whole, self._run)
        self._here: Any = None  # the session that holds the lock by which this run is known to be alive
        self._version = "?"

    def hello(self) -> Hello:
        """Connect, remove what dead runs left, and make the schema, at the first call."""
        try:
            if self._here is None:
                self._here = self.requests.sessions.new()
                self._version = self._here.execute("show server_version").fetchone()[0]
                self._here.execute("select pg_advisory_lock(%s)", (_lock(self._run),))
                self._sweep()
                self.requests.tables()
                self.requests.sessions.administer("its tables", f"comment on schema {self._run} is '{OURS}'")
        except self.requests.sessions.psycopg.Error as error:
            said = self._address.said(error)
            raise TargetError(f"postgres: {self._address.shown}: {said}; start it, or name another") from None
        return self.told(self._version, ABLE)

    def _sweep(self) -> None:
        for (schema,) in self._here.execute(FOUND, (OURS,)).fetchall():
            free = (
                of_run(schema) == schema
                and self._here.execute("select pg_try_advisory_lock(%s)", (_lock(schema),)).fetchone()
            )
            if free and free[0]:
                self._remove(schema)
                self._here.execute("select pg_advisory_unlock(%s)", (_lock(schema),))

    def _remove(self, schema: str) -> None:
        """Drop it; its sequences first, some at a time: one transaction may not lock very many things."""
        while names := self._here.execute(SEQUENCES, (schema,)).fetchall():
            self._here.execute(f"drop sequence {', '.join(f'{schema}.{name}' for (name,) in names)} cascade")
        self._here.execute(f"drop schema if exists {schema} cascade")

    def preset_seq(self, account: str, seq: int) -> None:
        """Make it fresh, with seq_svr = seq."""
        try:
            self._here.execute("select")
        except self.requests.sessions.psycopg.Error:
            raise lost("postgres") from None
        super().preset_seq(account, seq)

    def close(self) -> None:
        """Drop the schema. May be called twice. Sends that are still held must let go of it first."""
        self.requests.sessions.close(but=self._here)
        if self._here is None:
            return
        with suppress(self.requests.sessions.psycopg.Error), self.requests.sessions.ended(self._here):
            self._remove(self._run)
            self._here.execute("select pg_advisory_unlock_all()")  # a session's end is noticed a little later
        self._here = None


def _lock(run: str) -> int:
    return LOCKS + int(run[-12:], 16)
