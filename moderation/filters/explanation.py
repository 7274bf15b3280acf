"""Which event subscriptions take an event, and which clause refuses it, in words.

Between clauses it is "and", between the values of one clause "or"; text is compared
without regard to case. The emulator has these rules of its own:
docs/decisions/0008-two-filter-implementations.md says why.
"""

import json
from collections.abc import Iterator, Mapping

import msgspec

from moderation.filters.declared import Filters
from moderation.filters.operators import (
    OPERATORS,
    PRESENCE,
    Operator,
    kind_of,
    values_of,
)

type Json = Mapping[str, object]

LONGEST_TEXT = 80
MISSING = object()


class Clause(msgspec.Struct, frozen=True):
    """One condition of an event subscription, whether an event meets it, and why."""

    clause: str
    holds: bool
    reason: str = msgspec.field(name="because")


def takes(filters: Filters, event: Json) -> bool:
    """Return whether the event subscription with these filters gets the event."""
    return all(clause.holds for clause in judge(filters, event))


def judge(filters: Filters, event: Json) -> list[Clause]:
    """Judge an event by every clause of an event subscription.

    One that takes every event has one clause, which holds.
    """
    clauses = [_judge(declared, event) for declared in filters.filters]
    if filters.included_event_types:
        clauses.insert(0, _type_clause(filters.included_event_types, event))
    return clauses or [Clause("no filter", True, "it takes every event")]


def _type_clause(included: list[str], event: Json) -> Clause:
    found = event.get("type", MISSING)
    kind = found.lower() if isinstance(found, str) else None
    holds = any(kind == name.lower() for name in included)
    which = "which is one of them" if holds else "which is none of them"
    missing = found is MISSING
    reason = "type is missing" if missing else f"type is {_render(found)}, {which}"
    return Clause(f"type is one of {', '.join(included)}", holds, reason)


def _judge(declared: Json, event: Json) -> Clause:
    name, key = str(declared.get("operatorType")), str(declared.get("key"))
    found = resolve(event, key)
    if name in PRESENCE:
        return _presence(name, key, found)
    known = OPERATORS.get(name)
    if known is None:
        return Clause(f"{key} {name}", False, f"Event Grid has no operator {name}")
    clause = (
        f"{key} {name} {', '.join(_render(operand) for operand in values_of(declared))}"
    )
    try:
        return Clause(clause, *_compare(name, known, key, found, values_of(declared)))
    except (TypeError, ValueError):
        return Clause(clause, False, f"its values are not valid for {name}")


def _compare(
    name: str, known: Operator, key: str, found: object, wanted: list[object]
) -> tuple[bool, str]:
    """Return whether the clause holds, and why."""
    values = list(_comparable(known.kind, found))
    if not values:
        so = "holds" if known.holds_without else "does not hold"
        return (
            known.holds_without,
            f"{key} {_describe_absence(found, known.kind)}: {name} {so}",
        )
    hit = _hit(known, values, wanted)
    which = "of which none" if isinstance(found, list) else "which"
    if hit is not None:
        value, operand = hit
        which = f"of which {_render(value)}" if isinstance(found, list) else which
        reason = f"{which} {known.words} {_render(operand)}"
    else:
        words = known.words if isinstance(found, list) else _not(known.words)
        reason = (
            f"{which} {words} {' or '.join(_render(operand) for operand in wanted)}"
        )
    return (hit is None) == known.negated, f"{key} is {_render(found)}, {reason}"


def _not(words: str) -> str:
    """Return the words of an operator in the negative."""
    verb, _, rest = words.partition(" ")
    negative = "is not" if verb == "is" else f"does not {verb.removesuffix('s')}"
    return f"{negative} {rest}".rstrip()


def _presence(name: str, key: str, found: object) -> Clause:
    absent = found is MISSING or found is None
    reason = f"{key} {_describe_absence(found, '') if absent else 'is there'}"
    return Clause(f"{key} {name}", absent == PRESENCE[name], reason)


def _hit(
    known: Operator, values: list[object], wanted: list[object]
) -> tuple[object, object] | None:
    """Return the first value that passes the test, and the operand it passes it for."""
    for value in values:
        for operand in wanted:
            if known.test(_fold_case(value), _fold_case(operand)):
                return value, operand
    return None


def _describe_absence(found: object, kind: str) -> str:
    if found is MISSING:
        return "is missing"
    return "is null" if found is None else f"is {_render(found)}, not {kind}"


def _comparable(kind: str, found: object) -> Iterator[object]:
    """Yield what the operator looks at: the value, or elements of the list."""
    for value in found if isinstance(found, list) else [found]:
        if kind_of(value) == kind:
            yield value


def _fold_case(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def resolve(event: Json, key: str) -> object:
    """Return what stands under an attribute's name or a `data.a.b` path, or MISSING."""
    if key in event:
        return event[key]
    found: object = event
    for name in key.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return MISSING
        found = found[name]
    return found


def _render(value: object) -> str:
    """Return a value as JSON, not longer than a sentence bears."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
