"""Prometheus text about the namespace."""

import time
from collections.abc import Iterator, Mapping

from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.namespace.subscription import Counts, Subscription

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

type Sample = tuple[str, str, float]


def render(namespace: Namespace, requests: Mapping[tuple[str, int], int]) -> bytes:
    """Return counters of topics and event subscriptions, gauges of their queues.

    `requests`: how many requests there were, by operation and status.
    """
    families: dict[str, list[str]] = {}
    for name, labels, value in _samples(namespace, requests):
        families.setdefault(name, []).append(f"{name}{labels} {value:.10g}")
    lines: list[str] = []
    for name, samples in families.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        lines += [f"# TYPE {name} {kind}", *samples]
    return "\n".join([*lines, ""]).encode()


def _samples(
    namespace: Namespace, requests: Mapping[tuple[str, int], int]
) -> Iterator[Sample]:
    for (operation, status), count in sorted(requests.items()):
        labels = f'{{operation="{operation}",status="{status}"}}'
        yield "eventgrid_requests_total", labels, count
    now = namespace.clock.now()
    for topic in namespace.topics.values():
        labels = f'{{topic="{topic.name}"}}'
        yield "eventgrid_published_events_total", labels, topic.published
        yield "eventgrid_unmatched_events_total", labels, topic.unmatched
        for subscription in topic.subscriptions.values():
            yield from _of_subscription(subscription, now)
    yield "eventgrid_dead_letters_waiting", "", len(namespace.dead_lettering.outbox)
    yield "process_cpu_seconds_total", "", time.process_time()


def _of_subscription(subscription: Subscription, now: float) -> Iterator[Sample]:
    labels = f'{{topic="{subscription.topic}",subscription="{subscription.name}"}}'
    for name in Counts.__struct_fields__:
        yield f"eventgrid_{name}_total", labels, getattr(subscription.counts, name)
    depth = subscription.queue.depth()
    for state in ("ready", "locked", "delayed"):
        yield f"eventgrid_{state}_events", labels, getattr(depth, state)
    age = 0.0 if depth.oldest is None else now - depth.oldest
    yield "eventgrid_oldest_event_age_seconds", labels, age
