"""Free and taken ports of this machine."""

import os
import socket
import sys

import pytest

from tools.stack.system import ports


def test_each_zero_becomes_a_free_port_of_its_own() -> None:
    """Parts that take any port do not take the same one."""
    chosen = ports.choose({"--a": 0, "--b": 0, "--c": 7071})

    assert chosen["--c"] == 7071
    assert 0 != chosen["--a"] != chosen["--b"] != 0
    assert not ports.is_taken(chosen["--a"])


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_port_someone_listens_on_is_taken(address: str) -> None:
    """A program that listens on every address holds the port as well."""
    with socket.create_server((address, 0)) as listener:
        port = listener.getsockname()[1]

        assert ports.is_taken(port)

    assert not ports.is_taken(port)


@pytest.mark.skipif(sys.platform != "linux", reason="others ask a program for it")
def test_the_holder_of_a_port_is_named() -> None:
    """The reader knows which program to stop."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        holder = ports.holder(listener.getsockname()[1])

    assert holder.startswith(f"process {os.getpid()} (")
    assert ports.holder(1) == "another program"
