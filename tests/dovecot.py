"""A real Dovecot on a free port, with people of its own, as root or not."""

import os
import pwd
import shutil
import socket
import textwrap

import pytest

from tests.servers import HOST, Server

PASSWORD = "a password of a test"


def binary() -> str:
    """Where Dovecot is; skips the test that asks where it is not."""
    found = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not found:
        pytest.skip("no Dovecot here: apt-get install dovecot-imapd")
    return found


class Dovecot(Server):
    """Everybody has the same password; their mail is a Maildir in the server's folder."""

    def _command(self) -> list[str]:
        # Root's temporary folders are for root alone; Dovecot's people have to get in.
        self.folder.chmod(0o755)
        (self.folder / "mail").mkdir(exist_ok=True)
        (self.folder / "mail").chmod(0o777)
        config = self.folder / "dovecot.conf"
        config.write_text(self._config())
        return [binary(), "-F", "-c", str(config)]

    def _config(self) -> str:
        user = pwd.getpwuid(os.getuid()).pw_name
        root = os.getuid() == 0
        # As root it wants users of its own for what needs no rights.
        users = ("dovecot", "dovenull") if root else (user, user)
        mail = "mail" if root else user
        return textwrap.dedent(f"""
            base_dir = {self.folder}/run
            state_dir = {self.folder}/state
            log_path = {self.folder}/dovecot.log
            protocols = imap
            listen = {HOST}
            ssl = no
            disable_plaintext_auth = no
            default_internal_user = {users[0]}
            default_login_user = {users[1]}
            {"" if root else f"default_internal_group = {user}"}
            first_valid_uid = 1
            mail_location = maildir:{self.folder}/mail/%u
            mail_uid = {mail}
            mail_gid = {mail}
            service imap-login {{
              {"" if root else "chroot ="}
              inet_listener imap {{
                port = {self.port}
              }}
              inet_listener imaps {{
                port = 0
              }}
            }}
            {"" if root else "service anvil { chroot = }"}
            {"" if root else "service stats { chroot = }"}
            passdb {{
              driver = static
              args = password={PASSWORD.replace(" ", "_")}
            }}
            userdb {{
              driver = static
              args = uid={mail} gid={mail} home={self.folder}/mail/%u
            }}
        """)

    def _is_up(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as client:
                return client.recv(100).startswith(b"* OK")
        except OSError:
            return False

    def url(self, user: str = "support", **query: str) -> str:
        """The mailbox of somebody."""
        more = "?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else ""
        return f"imap://{user}:{PASSWORD.replace(' ', '_')}@{HOST}:{self.port}/INBOX{more}"
