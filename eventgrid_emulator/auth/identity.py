"""TLS and the token issuer together: what `--tls` switches on."""

import shlex
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eventgrid_emulator.auth.credentials import TokenCheck
from eventgrid_emulator.http_server import Server

ENVIRONMENT_FILE = "identity.env"
CA_FILE = "ca.pem"
TOKEN_PATH = "/msi/token"  # noqa: S105  (a path, not a secret)


@dataclass(frozen=True, slots=True)
class Identity:
    """The certificate in use, who judges tokens, and where a client gets one."""

    folder: Path
    context: ssl.SSLContext
    tokens: TokenCheck
    header: str
    server: Server

    async def start(self, port: int = 0) -> None:
        """The token endpoint answers, on the loopback address as in App Service."""
        await self.server.start("127.0.0.1", port)
        lines = [
            f"{name}={shlex.quote(value)}\n" for name, value in self.environment.items()
        ]
        path = self.folder / ENVIRONMENT_FILE
        path.touch(mode=0o600)
        path.write_text("".join(lines), encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        """The variables that a client needs, for DefaultAzureCredential and for TLS."""
        ca_file = str((self.folder / CA_FILE).resolve())
        return {
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{self.server.port}{TOKEN_PATH}",
            "IDENTITY_HEADER": self.header,
            "SSL_CERT_FILE": ca_file,
            "REQUESTS_CA_BUNDLE": ca_file,
            "NODE_EXTRA_CA_CERTS": ca_file,
        }

    async def stop(self) -> None:
        """The token endpoint is closed."""
        await self.server.stop()


def make(folder: Path, hosts: Sequence[str]) -> Identity:
    """A fresh certificate, its authority written to the folder, and a token issuer.

    The imports stand here, because they take longer than the emulator's own start.
    """
    from eventgrid_emulator.auth import certificate
    from eventgrid_emulator.auth.token_issuer import Issuer

    context = certificate.server_context(folder / CA_FILE, hosts, time.time())
    issuer = Issuer(TOKEN_PATH)
    return Identity(folder, context, issuer, issuer.header, Server(issuer.handle))
