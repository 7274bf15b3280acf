"""What these tests stand on."""

from tests.own_topology import own_topology

__all__ = ["own_topology"]
