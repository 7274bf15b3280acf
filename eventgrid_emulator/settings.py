"""The settings of an emulator."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eventgrid_emulator.auth.credentials import LOCAL_KEY, TokenCheck
from eventgrid_emulator.operations.throttle import Throttle
from eventgrid_emulator.topology.topology import Topology


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the command line or a test can set."""

    topology: Topology
    namespace: str = "local"
    keys: Sequence[str] = (LOCAL_KEY,)
    data: Path | None = None
    dead_letters: str | None = None
    throttle: Throttle = field(default_factory=Throttle)
    shortest_wait: float | None = None
    check_token: TokenCheck | None = None
    tls: ssl.SSLContext | None = None
    names: Sequence[str] = ()
    control_key: str | None = None
