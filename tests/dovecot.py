"""A real Dovecot on a free port, with people of its own, as root or not."""

import functools
import os
import pwd
import shutil
import socket
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.servers import HOST, Server, free_port

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

    @functools.cached_property
    def tls_port(self) -> int:
        return free_port()

    @property
    def certificate(self) -> Path:
        """The server's certificate, which nobody has signed but itself."""
        return self.folder / "certificate.pem"

    def _tls(self) -> str:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.certificate.write_bytes(made.public_bytes(Encoding.PEM))
        secret = self.folder / "key.pem"
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return f"ssl = yes\n            ssl_cert = <{self.certificate}\n            ssl_key = <{secret}"

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
            {self._tls()}
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
                port = {self.tls_port}
                ssl = yes
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

    def encrypted_url(self, user: str, scheme: str) -> str:
        """The same over TLS, by the name that the certificate bears."""
        port = self.tls_port if scheme == "imaps" else self.port
        return f"{scheme}://{user}:{PASSWORD.replace(' ', '_')}@localhost:{port}/INBOX"
