"""How long to wait before a part that died is started again."""

RAN_WELL = 60.0
PAUSES = (1, 2, 4, 8, 16, 30)


def deaths_in_a_row(before: int, ran_for: float) -> int:
    """Return the count after one more death; after a good minute it is the first."""
    return 1 if ran_for >= RAN_WELL else before + 1


def pause(deaths: int) -> int:
    """Return seconds to wait after so many deaths in a row."""
    return PAUSES[min(deaths, len(PAUSES)) - 1]
