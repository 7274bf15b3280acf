"""Counts by name. Names come from events: what they make up must not make us grow."""

from collections.abc import Mapping

NAMES, OTHERS = 50, "(others)"
LONGEST = 80


def count_into(counts: dict[str, int], more: Mapping[str, int]) -> None:
    """Add counts to counts, of which there may be 50 names; the others are one more."""
    for name, count in more.items():
        if name in counts:
            counts[name] += count
        else:
            known = _known(name, counts)
            counts[known] = counts.get(known, 0) + count


def count_pairs_into(
    counts: dict[str, dict[str, int]], more: Mapping[str, Mapping[str, int]]
) -> None:
    """Add counts by name and second name, within the same bounds."""
    for name, seconds in more.items():
        count_into(counts.setdefault(_known(name, counts), {}), seconds)


def _known(name: str, counts: Mapping[str, object]) -> str:
    """Return the name that is counted under: itself, cut to 80 characters, or the others."""
    if len(name) > LONGEST:
        name = f"{name[: LONGEST - 1]}…"
    return name if name in counts or len(counts) < NAMES else OTHERS


def largest(counts: Mapping[str, int], most: int = NAMES) -> dict[str, int]:
    """Return the largest counts, largest first, and the sum of the others in the end."""
    named = sorted(counts.keys() - {OTHERS}, key=lambda name: (-counts[name], name))
    found = {name: counts[name] for name in named[:most]}
    if others := sum(counts.values()) - sum(found.values()):
        found[OTHERS] = others
    return found
