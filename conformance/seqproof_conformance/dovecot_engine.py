"""Dovecot's programs: where they are, whom they run as, and how a server is begun in a folder of the kit.

It is Debian's ``dovecot-imapd``; for root it runs as nobody (``unprivileged``). All is as shipped but what a folder of
its own needs, one port on the loopback, and no password. The greeting holds the kit's nonce. A killed master leaves its
process id behind, which a restart would believe: it is removed.

Messages lie in Dovecot's own format, sdbox. Its locks are the kernel's, which go with the process that holds them. A
Maildir's are files: the process that aborts at the last UID leaves one, and whoever writes next waits until Dovecot
takes it for stale, 2 to 3 seconds each time. A run on a Maildir has the same verdict and takes three times as long.
Source: https://doc.dovecot.org/2.3/configuration_manual/.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from seqproof_conformance import unprivileged
from seqproof_conformance.adapter import TargetError

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
mail_location = sdbox:{place}/mail
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


def command(directory: Path, port: int, nonce: str) -> list[str]:
    """Write the settings, and return the command line of the server. Raises TargetError."""
    if not program("dovecot"):
        raise TargetError(f"dovecot needs the program dovecot: {MEND}")
    for name in ("mail", "state"):
        (directory / name).mkdir(exist_ok=True)
    unprivileged.give("dovecot", directory / "mail")
    user, group = unprivileged.runs_as()
    (directory / "run" / "master.pid").unlink(missing_ok=True)
    settings = SETTINGS.format(place=directory, nonce=nonce, user=user, group=group, port=port)
    _file(directory).write_text(settings)
    return [program("dovecot"), "-F", "-c", str(_file(directory))]


def administer(directory: Path, *words: str) -> None:
    """Run doveadm on a server that was begun there. Raises TargetError with its words."""
    _run("doveadm", "-c", str(_file(directory)), *words)


def version() -> str:
    """Dovecot's version. Raises TargetError."""
    return _run("dovecot", "--version").split()[0]


def _file(directory: Path) -> Path:
    return directory / "dovecot.conf"


def _run(name: str, *words: str) -> str:
    """Run a program of Dovecot's. Raises TargetError with its words."""
    try:
        found = subprocess.run([program(name), *words], check=True, capture_output=True, text=True, timeout=DOVEADM_S)
    except subprocess.CalledProcessError as error:
        raise TargetError(f"dovecot: {name} failed: {' '.join(str(error.stderr).split())[-300:]}") from None
    except (subprocess.SubprocessError, OSError) as error:
        raise TargetError(f"dovecot: {name}: {error}") from None
    return found.stdout
