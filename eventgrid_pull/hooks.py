"""What an app does of its own around the drains: each hook is plain or async."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from eventgrid_pull.draining.drain_summary import DrainSummary
from eventgrid_pull.event import AnyEvent
from eventgrid_pull.handlers.run_handler import Deciding, Handle, Runner, resolve
from eventgrid_pull.outcomes import Disposition

_log = logging.getLogger(__name__)

type Hook = Callable[[], Awaitable[None] | None]
type OnDrained = Callable[[DrainSummary], Awaitable[None] | None]
type Before = Callable[[str, AnyEvent], Awaitable[Disposition | None] | None]


class StartupFailed(Exception):
    """The startup hook failed, so nothing is received; the next drain calls it again."""


@dataclass(slots=True)
class Hooks:
    """The hooks of an app.

    `startup` is called once before the first receive, `shutdown` at SIGTERM, which may
    never come. `on_drained` gets what a drain did: at its end, and once a minute while it
    lasts. `before` is called with the name of the event subscription and each event,
    before the handler is. It returns None for most, or an awaitable of the disposition or
    None; that event is then not in the batch of a handler of lists.
    """

    startup: Hook | None = None
    shutdown: Hook | None = None
    on_drained: OnDrained | None = None
    before: Before | None = None
    _starting: asyncio.Future[None] | None = field(default=None, init=False)
    _has_stopped: bool = field(default=False, init=False)

    def again(self) -> "Hooks":
        """Return the same hooks, none of which was called."""
        return replace(self)

    async def start(self) -> None:
        """Call `startup`, once for all who wait for it. Raises StartupFailed."""
        if self.startup is None:
            return
        if self._starting is None:
            self._starting = asyncio.ensure_future(_call(self.startup))
        starting = self._starting
        await asyncio.wait((starting,))  # goes on when this drain is cancelled
        try:
            starting.result()
        except (Exception, asyncio.CancelledError) as error:
            if self._starting is starting:
                self._starting = None
            _log.exception("startup failed")
            raise StartupFailed(f"startup failed: {type(error).__name__}") from error

    async def stop(self) -> None:
        """Call `shutdown` once; not where a startup was never called."""
        never_started = self.startup is not None and self._starting is None
        if not self._has_stopped and not never_started:
            self._has_stopped = True
            await _call(self.shutdown)

    def for_batch(
        self, name: str, runner: Runner
    ) -> Callable[[list[AnyEvent]], Handle]:
        """Return what makes a handler for the events of one receive: `before`, then ours."""
        before = self.before
        if before is None:
            return runner.for_batch

        def for_batch(events: list[AnyEvent]) -> Handle:
            answers = {
                id(event): answer
                for event in events
                if (answer := _ask(before, name, event)) is not None
            }
            if not answers:
                return runner.for_batch(events)
            handler = runner.for_batch(
                [event for event in events if id(event) not in answers]
            )

            def handle(event: AnyEvent) -> Deciding:
                answer = answers.get(id(event))
                return handler(event) if answer is None else wait(answer, event)

            async def wait(
                answer: Awaitable[Disposition | None], event: AnyEvent
            ) -> Disposition:
                return await answer or await resolve(runner.handle(event))

            return handle

        return for_batch

    async def note_drained(self, summary: DrainSummary) -> None:
        """Call `on_drained`; never raises."""
        try:
            answer = self.on_drained(summary) if self.on_drained is not None else None
            if inspect.isawaitable(answer):
                await answer
        except Exception:  # a hook is no reason to end a drain
            _log.exception("on_drained failed for %s", summary.subscription)


def _ask(
    before: Before, name: str, event: AnyEvent
) -> Awaitable[Disposition | None] | None:
    """Return what the hook says; its failure concerns this event alone."""
    try:
        return before(name, event)
    except Exception as error:
        return _raise(error)


async def _raise(error: Exception) -> Disposition | None:
    raise error


async def _call(hook: Hook | None) -> None:
    answer = hook() if hook is not None else None
    if inspect.isawaitable(answer):
        await answer
