"""The target ``dovecot``: a Dovecot IMAP server of its own, with a Maildir.

What is asked of it stands in ``imap_mailbox``.
UIDs are true 32-bit numbers, and ``doveadm mailbox update --min-next-uid`` sets the next one, so the whole space can be
looked at. Dovecot is Debian's ``dovecot-imapd``. For root its processes run as nobody, and the mail belongs to nobody;
else all is the user's own. Its greeting holds the kit's nonce, so no other server on the port is taken for it. A killed
master leaves its process id behind, which a restart would believe: it is removed.
Source: https://doc.dovecot.org/2.3/configuration_manual/.
"""

from __future__ import annotations

import getpass
import imaplib
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from seqproof_conformance.adapter import Capability, Hello, TargetError
from seqproof_conformance.imap_mailbox import ERRORS, USER, Mailboxes, box, ended, last
from seqproof_conformance.process import Served, Server
from seqproof_conformance.wire import Fault, Wire, Wired
from seqproof_model import profile
from seqproof_model.history import Answer, Code, Refused
from seqproof_model.profile import UINT_MAX

MEND = "apt-get install dovecot-imapd"
DOVEADM_S = 20
SETTINGS = """\
base_dir = {place}/run
state_dir = {place}/state
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
login_greeting = seqproof {nonce}
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_location = maildir:{place}/mail
mail_max_userip_connections = 300
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={place}/mail
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


def program(name: str) -> str:
    """Where a program of Dovecot's is; "" where it is not installed. The folders of root are not on every PATH."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin") or ""


class DovecotTarget(Served, Wired):
    """A Dovecot server of its own."""

    def __init__(self) -> None:
        self._mail = Mailboxes(lambda: self.server.port)
        self.server = Server("dovecot", self._command, self._ready)
        self.wire = Wire()
        self._version = "?"

    def bound(self, seconds: float) -> None:
        """Wait at most so long for one answer."""
        self._mail.timeout_s = seconds

    def _command(self, directory: Path, port: int) -> Sequence[str]:
        if not program("dovecot"):
            raise TargetError(f"dovecot needs the program dovecot: {MEND}")
        root = os.geteuid() == 0
        user, group = ("nobody", "nogroup") if root else (getpass.getuser(), str(os.getgid()))
        for name in ("mail", "state"):
            (directory / name).mkdir(exist_ok=True)
        if root:
            directory.chmod(0o711)  # nobody must get through it, and see nothing
            shutil.chown(directory / "mail", user, group)
        (directory / "run" / "master.pid").unlink(missing_ok=True)
        settings = SETTINGS.format(place=directory, nonce=self.server.nonce, user=user, group=group, port=port)
        (directory / "dovecot.conf").write_text(settings)
        return [program("dovecot"), "-F", "-c", str(directory / "dovecot.conf")]

    def _ready(self) -> bool:
        """Log in, at a server that greets with the nonce."""
        self._mail.forget()
        try:
            with self._mail.lent() as connection:
                return self.server.nonce.encode() in connection.welcome
        except ERRORS:
            return False

    def hello(self) -> Hello:
        """Start the server at the first call. UIDs have 32 bits and leave no gap."""
        if not self.server.answered:
            self.server.start()
            self._version = _run("dovecot", "--version").split()[0]
        able = {Capability.SEND_SEQ, Capability.KILL, Capability.PRESET_SEQ, Capability.OVERLAP, Capability.WIRE}
        return Hello(f"dovecot {self._version}", frozenset(able), profile.built_in()["strict"], ("RCV-6",))

    def reset(self, account: str) -> None:
        """Make the account a new mailbox."""
        if not self.server.answered:
            raise TargetError("dovecot: its server was not started: call hello first")
        self._mail.reset(account)

    def preset_seq(self, account: str, seq: int) -> None:
        """Make it a new mailbox whose next UID is above seq. There is none above the last."""
        if seq >= UINT_MAX:
            raise TargetError(f"dovecot: its next UID cannot be set above {UINT_MAX}; preset less")
        self.reset(account)
        settings = str(self.server.directory / "dovecot.conf")
        _run("doveadm", "-c", settings, "mailbox", "update", "-u", USER, "--min-next-uid", str(seq + 1), box(account))

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:  # noqa: ARG002
        """Append. A repeat makes a second message."""
        return self._ask(lambda _main, connection: self._mail.send(connection, account, body), account)

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:  # noqa: ARG002
        """Expunge what is confirmed and fetch the rest. Never more than one page."""
        return self._ask(lambda main, connection: self._mail.recv(main, connection, account, seq_cli), account)

    def _ask(self, request: Callable[[imaplib.IMAP4, imaplib.IMAP4], Answer], account: str) -> Answer:
        if not self.server.alive:
            return Refused(Code.UNREACHABLE, detail="the server does not run")
        if (fault := self.wire.take()) is None:
            return self._mail.answer(lambda connection: request(connection, connection))
        return self._mail.answer(lambda main: self._spoiled(main, fault, request, account))

    def _spoiled(
        self,
        main: imaplib.IMAP4,
        fault: Fault,
        request: Callable[[imaplib.IMAP4, imaplib.IMAP4], Answer],
        account: str,
    ) -> Answer:
        with self.wire.through(self.server.port) as proxy, ended(self._mail.connect(proxy.port)) as connection:
            last(connection, account)  # from here on the connection carries the request alone
            proxy.arm(fault)
            return request(main, connection)

    def close(self) -> None:
        """End the server and remove its mail."""
        self._mail.forget()
        self.wire.close()
        self.server.close()


def _run(name: str, *words: str) -> str:
    """Run a program of Dovecot's. Raises TargetError with its words."""
    try:
        found = subprocess.run([program(name), *words], check=True, capture_output=True, text=True, timeout=DOVEADM_S)
    except subprocess.CalledProcessError as error:
        raise TargetError(f"dovecot: {name} failed: {' '.join(str(error.stderr).split())[-300:]}") from None
    except (subprocess.SubprocessError, OSError) as error:
        raise TargetError(f"dovecot: {name}: {error}") from None
    return found.stdout
