"""Logs why requests are refused: one line a second, however many there are."""

import asyncio
import logging

from aiohttp import web

from eventgrid_emulator.errors import Refusal

PAUSE = 1.0  # seconds

logger = logging.getLogger(__name__)


class RefusalLog:
    """Logs the first refusal at once, and of a storm the last of each second.

    At the level DEBUG (`--verbose`) every refusal has its line.
    """

    def __init__(self) -> None:
        self._silent: asyncio.TimerHandle | None = None
        self._last = ""
        self._more = 0

    def add(self, request: web.BaseRequest, refusal: Refusal) -> None:
        """Log method, path, code, message and what to do about it."""
        line = _line(request, refusal)
        if logger.isEnabledFor(logging.DEBUG):
            logger.warning("%s", line)
        elif self._silent is None:
            self._write(line)
        else:
            self._last, self._more = line, self._more + 1

    def _write(self, line: str) -> None:
        logger.warning("%s", line)
        loop = asyncio.get_running_loop()
        self._silent = loop.call_later(PAUSE, self._resume)

    def _resume(self) -> None:
        self._silent = None
        if self._more:
            others = f" (and {self._more - 1} others in a second)"
            line = self._last + (others if self._more > 1 else "")
            self._last, self._more = "", 0
            self._write(line)


def _line(request: web.BaseRequest, refusal: Refusal) -> str:
    code = refusal.code
    hint = f" ({refusal.hint})" if refusal.hint else ""
    what = f"{request.method} {request.path[:200]!r} refused: {code.status} {code.text}"
    return f"{what}: {refusal.message[:500]}{hint}"
