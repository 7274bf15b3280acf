"""Prometheus text about the namespace."""

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence

from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.namespace.subscription import Counts, Subscription

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

type Samples = Sequence[tuple[str, float]]


def render(namespace: Namespace, requests: Mapping[tuple[str, int], int]) -> bytes:
    """Return counters of topics and event subscriptions, gauges of their queues.

    `requests`: how many requests there were, by operation and status.
    """
    answered = [
        (f'{{operation="{operation}",status="{status}"}}', float(requests[kind]))
        for kind in sorted(requests)
        for operation, status in [kind]
    ]
    lines = [*_family("eventgrid_requests_total", "counter", answered)]
    topics = namespace.topics.values()
    for name in ("published", "unmatched"):
        samples = [
            (f'{{topic="{topic.name}"}}', getattr(topic, name)) for topic in topics
        ]
        lines += _family(f"eventgrid_{name}_events_total", "counter", samples)
    subscriptions = [
        subscription
        for topic in topics
        for subscription in topic.subscriptions.values()
    ]
    if subscriptions:
        lines += _of_subscriptions(subscriptions, namespace.clock.now())
    waiting = float(len(namespace.dead_lettering.queue))
    lines += _family("eventgrid_dead_letters_waiting", "gauge", [("", waiting)])
    cpu = time.process_time()
    lines += _family("process_cpu_seconds_total", "counter", [("", cpu)])
    return "\n".join([*lines, ""]).encode()


def _of_subscriptions(listed: Sequence[Subscription], now: float) -> Iterator[str]:
    labels = [
        f'{{topic="{subscription.topic}",subscription="{subscription.name}"}}'
        for subscription in listed
    ]

    def family(name: str, kind: str, values: Iterator[float]) -> Iterator[str]:
        return _family(
            f"eventgrid_{name}", kind, list(zip(labels, values, strict=True))
        )

    for field in dataclasses.fields(Counts):
        counts = (getattr(found.counts, field.name) for found in listed)
        yield from family(f"{field.name}_total", "counter", counts)
    depths = [subscription.queue.depth() for subscription in listed]
    for state in ("ready", "locked", "delayed"):
        events = (getattr(depth, state) for depth in depths)
        yield from family(f"{state}_events", "gauge", events)
    ages = (0.0 if depth.oldest is None else now - depth.oldest for depth in depths)
    yield from family("oldest_event_age_seconds", "gauge", ages)


def _family(name: str, kind: str, samples: Samples) -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield f"{name}{labels} {value:.10g}"
