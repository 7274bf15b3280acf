"""Log lines say whose they are, and only those come through that were asked for."""

import logging

import pytest

from functions_host import log


def a_record(name: str, level: int) -> logging.LogRecord:
    """Return a log record of that logger."""
    return logging.LogRecord(name, level, "", 0, "said %s", ("this",), None)


def test_a_line_has_time_function_level_and_text() -> None:
    """In this order; a line of no function is the host's."""
    record = a_record("anything", logging.INFO)
    record.created = 1795426200.0629

    assert log.Formatter(lambda: "publish").format(record) == (
        "2026-11-23T09:30:00.062Z [publish] INFO said this"
    )
    other = a_record("anything", logging.INFO)
    assert "[host]" in log.Formatter(lambda: None).format(other)


@pytest.mark.parametrize(
    ("function", "name", "level", "through"),
    [
        ("publish", "anything", logging.INFO, True),
        ("publish", "azure.core", logging.INFO, True),
        ("publish", "anything", logging.DEBUG, False),
        ("noisy", "anything", logging.WARNING, False),
        ("quiet", "anything", logging.DEBUG, True),
        (None, "functions_host", logging.INFO, True),
        (None, "functions_host", logging.DEBUG, False),
        (None, "azure.core.pipeline", logging.INFO, False),
        (None, "azure.core.pipeline", logging.WARNING, True),
    ],
)
def test_levels_are_those_of_host_json(
    function: str | None, name: str, level: int, through: bool
) -> None:
    """Each function may have its own; the host's storage client only warns."""
    levels = {
        "function.noisy": logging.ERROR,
        "function.quiet.user": logging.DEBUG,
    }
    found = log.Levels(lambda: function, levels, logging.INFO)

    assert found.filter(a_record(name, level)) is through
