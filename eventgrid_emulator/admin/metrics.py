"""Prometheus text about the namespace."""

import dataclasses
import time
from collections.abc import Iterable, Iterator, Mapping

from eventgrid_emulator.namespace.namespace import Namespace
from eventgrid_emulator.namespace.subscription import Subscription
from eventgrid_emulator.namespace.topic import Topic

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

type Sample = tuple[str, float]


def render(namespace: Namespace, requests: Mapping[tuple[str, int], int]) -> bytes:
    """Return counters of topics and event subscriptions, gauges of their queues.

    `requests`: how many requests there were, by operation and status.
    """
    answered = (
        (f'{{operation="{operation}",status="{status}"}}', float(count))
        for (operation, status), count in sorted(requests.items())
    )
    lines = [*_family("eventgrid_requests_total", "counter", answered)]
    topics = list(namespace.topics.values())
    for name, value in (("published", "published"), ("unmatched", "unmatched")):
        samples = ((_topic(topic), getattr(topic, value)) for topic in topics)
        lines += _family(f"eventgrid_{name}_events_total", "counter", samples)
    subscriptions = [s for topic in topics for s in topic.subscriptions.values()]
    for field in dataclasses.fields(subscriptions[0].counts) if subscriptions else ():
        counted = ((_labels(s), getattr(s.counts, field.name)) for s in subscriptions)
        lines += _family(f"eventgrid_{field.name}_total", "counter", counted)
    lines += _depths(subscriptions, namespace.clock.now())
    waiting = float(len(namespace.dead_lettering.queue))
    lines += _family("eventgrid_dead_letters_waiting", "gauge", [("", waiting)])
    cpu = time.process_time()
    lines += _family("process_cpu_seconds_total", "counter", [("", cpu)])
    return "\n".join([*lines, ""]).encode()


def _depths(subscriptions: Iterable[Subscription], now: float) -> Iterator[str]:
    listed = list(subscriptions)
    depths = [subscription.queue.depth() for subscription in listed]
    for state in ("ready", "locked", "delayed"):
        samples = (
            (_labels(subscription), getattr(depth, state))
            for subscription, depth in zip(listed, depths, strict=True)
        )
        yield from _family(f"eventgrid_{state}_events", "gauge", samples)
    ages = (
        (_labels(subscription), now - depth.oldest if depth.oldest is not None else 0.0)
        for subscription, depth in zip(listed, depths, strict=True)
    )
    yield from _family("eventgrid_oldest_event_age_seconds", "gauge", ages)


def _family(name: str, kind: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield f"{name}{labels} {value:.10g}"


def _topic(topic: Topic) -> str:
    return f'{{topic="{topic.name}"}}'


def _labels(subscription: Subscription) -> str:
    return f'{{topic="{subscription.topic}",subscription="{subscription.name}"}}'
