"""TLS and the token issuer together: what `--tls` switches on."""

import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from eventgrid_emulator.http.server import Server

ENVIRONMENT_FILE = "identity.env"
CA_FILE = "ca.pem"
LOOPBACK = "127.0.0.1"
TOKEN_PATH = "/msi/token"  # noqa: S105  (a path, not a secret)


class Identity:
    """The certificate in use, the issuer of tokens, and the endpoint that serves them.

    A certificate is made for `host` and `names`, its authority written to the folder.
    Raises ValueError without the extra `tls`, and when the folder cannot be written.
    """

    def __init__(
        self, folder: Path, host: str = LOOPBACK, names: Sequence[str] = ()
    ) -> None:
        try:  # late, because they take longer than the emulator's own start
            from eventgrid_emulator.auth import certificate
            from eventgrid_emulator.auth.token_issuer import Issuer
        except ImportError as missing:
            raise ValueError(
                "--tls needs cryptography and PyJWT: pip install"
                f" 'eventgrid-emulator[tls]' ({missing})."
            ) from None
        self.folder = folder
        self.ca_file = str((folder / CA_FILE).resolve())
        try:
            self.context = certificate.server_context(
                folder / CA_FILE, [host, *names], time.time()
            )
        except OSError as problem:
            raise ValueError(
                f"--tls-folder {folder} cannot be written: {problem.strerror}. Give"
                " another folder."
            ) from None
        self.tokens = Issuer(TOKEN_PATH, names)
        self._server = Server(self.tokens.handle)
        self.environment: dict[str, str] = {}

    async def start(
        self, host: str = LOOPBACK, name: str = LOOPBACK, port: int = 0
    ) -> None:
        """Give out tokens at the address; `identity.env` has clients use the name."""
        await self._server.start(host, port)
        self.environment = {
            "IDENTITY_ENDPOINT": f"http://{name}:{self._server.port}{TOKEN_PATH}",
            "IDENTITY_HEADER": self.tokens.header,
            "SSL_CERT_FILE": self.ca_file,
            "REQUESTS_CA_BUNDLE": self.ca_file,
            "NODE_EXTRA_CA_CERTS": self.ca_file,
        }
        variables = self.environment.items()
        lines = [f"{name}={shlex.quote(value)}\n" for name, value in variables]
        path = self.folder / ENVIRONMENT_FILE
        path.touch(mode=0o600)
        path.write_text("".join(lines), encoding="utf-8")

    async def stop(self) -> None:
        """Close the token endpoint."""
        await self._server.stop()
