"""Options of the command and their variables: what they mean, refuse, and leave alone."""

from pathlib import Path

import pytest

from eventgrid_emulator.auth.credentials import LOCAL_KEY
from eventgrid_emulator.cli.environment import PREFIX
from eventgrid_emulator.cli.option_table import OPTIONS
from eventgrid_emulator.cli.options import parser, read_options
from eventgrid_emulator.topology.topology import Topology


def test_without_options_it_keeps_all_in_memory_under_the_local_key() -> None:
    """One command, nothing to set up."""
    options = read_options([])

    assert (options.data, options.key, options.declared) == (None, [LOCAL_KEY], None)
    assert (options.host, options.port) == ("127.0.0.1", 6500)
    assert options.tls is options.verbose is False


def test_the_help_shows_a_topology_and_every_option() -> None:
    """It is enough to use the emulator alone."""
    text = parser().format_help()

    for word in ("eventSubscriptions", "/_local", *(f"--{o.name}" for o in OPTIONS)):
        assert word in text


WRONG = [
    (["--data", ""], "leave it out"),
    (["--topology", ""], "leave it out"),
    (["--tls-folder", " "], "leave it out"),
    (["--dead-letters", ""], "--dead-letters"),
    (["--host", ""], "--host"),
    (["--key", " "], "must not be empty"),
    (["--control-key", ""], "must not be empty"),
    (["--key", "a", "--key", "b", "--key", "c"], "2 times at most"),
    (["--namespace", "a/b"], "3 to 50"),
    (["--name", "http://events:6500"], "no scheme"),
    (["--port", "70000"], "not a port"),
    (["--port", "x"], "not a port"),
    (["--port"], "--port"),
    (["--throughput-units", "41"], "1 to 40"),
    (["--throughput-units", "0"], "1 to 40"),
    (["--throttle-with", "500"], "429 or 403"),
    (["--shortest-wait", "11"], "0 to 10"),
    (["--shortest-wait", "nan"], "0 to 10"),
    (["--topic", ""], "3 to 50"),
    (["--topic", "x"], "3 to 50"),
    (["--subscription", ""], "3 to 50"),
    (["--subscription", "sub-a="], "NAME=TYPE"),
    (["--subscription", "sub-a", "--subscription", "Sub-A"], "declared twice"),
    (["--topology", "f", "--topic", "orders"], "--topology is a file"),
    (["--prot", "1"], "--prot"),
    (["--top", "orders"], "--top"),
    (["serve"], "serve"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG)
def test_a_wrong_option_is_refused_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unset shell variable must not open the port to all, nor fill this folder."""
    with pytest.raises(SystemExit) as caught:
        read_options(arguments)

    output = capsys.readouterr()
    assert caught.value.code == 2
    assert words in output.err
    assert (output.err.count("\n"), output.out) == (1, "")


@pytest.mark.parametrize(
    ("name", "value", "option", "means"),
    [
        ("PORT", "0", "port", 0),
        ("PORT", " ", "port", 6500),
        ("KEY", "a b", "key", ["a", "b"]),
        ("NAME", "events host.docker.internal", "name", None),
        ("CONTROL_KEY", "a b", "control_key", "a b"),
        ("DATA", "d", "data", Path("d")),
        ("TLS", "1", "tls", True),
        ("READY_JSON", "True", "ready_json", True),
        ("VERBOSE", "off", "verbose", False),
        ("SHORTEST_WAIT", "0", "shortest_wait", 0),
    ],
)
def test_each_option_is_a_variable(
    name: str, value: str, option: str, means: object
) -> None:
    """What may be given again is separated by spaces; a flag is 1 or 0."""
    options = read_options([], {PREFIX + name: value})

    assert getattr(options, option) == (value.split() if means is None else means)
    assert options.unused == ()


def test_options_win_over_variables() -> None:
    """A key of the environment is none beside those that are given."""
    environ = {f"{PREFIX}KEY": "a b", f"{PREFIX}PORT": "1", f"{PREFIX}HOST": "::1"}

    options = read_options(["--key", "c", "--port=2"], environ)

    assert (options.key, options.port, options.host) == (["c"], 2, "::1")


def test_a_value_that_is_called_like_an_option_overrules_no_variable() -> None:
    """A topic named `data` is no reason to keep everything in memory."""
    options = read_options(["--topic", "data"], {f"{PREFIX}DATA": "d"})

    assert (options.topic, options.data) == ("data", Path("d"))


def declared(options: list[str], **environ: str) -> tuple[str, list[str]]:
    found = read_options(options, {PREFIX + name: environ[name] for name in environ})
    assert isinstance(found.declared, Topology)
    [topic] = found.declared.topics
    return topic.name, [subscription.name for subscription in topic.subscriptions]


def test_a_topic_and_its_event_subscriptions_may_come_from_both() -> None:
    """A file of the environment gives way to a topic on the command line, and back."""
    orders = ("orders", ["sub-a"])
    assert declared(["--topic=orders", "--subscription=sub-a"]) == orders
    assert declared(["--subscription=sub-a"], TOPIC="orders") == orders
    assert declared(["--topic=orders"], SUBSCRIPTION="sub-a") == orders
    assert declared(["--topic=orders"], TOPOLOGY="f") == ("orders", ["all"])
    assert declared([], SUBSCRIPTION="sub-a sub-b=T,U") == (
        "events",
        ["sub-a", "sub-b"],
    )

    file = read_options(["--topology=f"], {f"{PREFIX}TOPIC": "orders"})
    assert (file.topology, file.declared) == (Path("f"), None)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "x", "EVENTGRID_EMULATOR_PORT: 'x' is not a port"),
        ("IDENTITY_PORT", "-1", "EVENTGRID_EMULATOR_IDENTITY_PORT: '-1'"),
        ("TLS", "maybe", "EVENTGRID_EMULATOR_TLS is 'maybe'; a flag is 1 or 0"),
        ("NAME", "a /", "EVENTGRID_EMULATOR_NAME: '/' is not a host name"),
    ],
)
def test_a_wrong_variable_is_called_by_its_name(
    name: str, value: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody looks on the command line for what is not there."""
    with pytest.raises(SystemExit) as caught:
        read_options([], {PREFIX + name: value})

    output = capsys.readouterr().err
    assert caught.value.code == 2
    assert words in output
    assert output.count("\n") == 1


SERVICE = {
    "PORT": "tcp://10.0.0.1:80",
    "SERVICE_HOST": "10.0.0.1",
    "SERVICE_PORT": "80",
    "SERVICE_PORT_HTTP": "80",
    "PORT_80_TCP": "tcp://10.0.0.1:80",
    "PORT_80_TCP_PROTO": "tcp",
    "PORT_80_TCP_PORT": "80",
    "PORT_80_TCP_ADDR": "10.0.0.1",
}


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        (SERVICE, ["EVENTGRID_EMULATOR_PORT=tcp://10.0.0.1:80 is how Kubernetes"]),
        ({f"IDENTITY_{name}": SERVICE[name] for name in SERVICE}, ["IDENTITY_PORT="]),
        ({f"WEB_{name}": SERVICE[name] for name in SERVICE}, []),
        (
            {"PROT": "1"},
            ["PROT is not the variable of an option", "EMULATOR_PORT is meant"],
        ),
        ({"XYZ": "1"}, ["XYZ is not the variable of an option", "--help"]),
        ({"COMMAND": "uvx eventgrid-emulator"}, []),
        ({"PORT": "1"}, []),
    ],
)
def test_a_variable_that_is_not_used_is_logged(
    environ: dict[str, str], words: list[str]
) -> None:
    """One line for a misspelt one; Kubernetes' own do not break the start."""
    options = read_options([], {PREFIX + name: environ[name] for name in environ})

    assert len(options.unused) == bool(words)
    assert all(word in options.unused[0] for word in words)
    assert options.port == (1 if environ == {"PORT": "1"} else 6500)
