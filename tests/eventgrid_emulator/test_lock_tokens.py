"""The shape of a lock token."""

import base64
import uuid

from hypothesis import given
from hypothesis import strategies as st

from eventgrid_emulator.queue.lock_tokens import decode, encode, prefix

RECORDED = (
    "CiYKJDUwQTFDMkNCLUEyQUMtNEM3Ny04NDU0LTI3OEM1Q0QyNDBGQhISChAZcT1qv5ZCoKpuDnmepKUd"
)


def test_a_recorded_token_is_decoded() -> None:
    """The last sixteen of its sixty bytes are the secret."""
    assert decode(RECORDED) == base64.b64decode(RECORDED)[-16:]


@given(st.uuids(), st.binary(min_size=16, max_size=16))
def test_a_token_gives_back_its_secret(guid: uuid.UUID, secret: bytes) -> None:
    """Whatever the GUID."""
    token = encode(prefix(guid), secret).decode()
    assert len(token) == 80
    assert decode(token) == secret


@given(
    st.text(max_size=90)
    | st.binary(max_size=60).map(base64.b64encode).map(bytes.decode)
)
def test_anything_else_is_no_token(text: str) -> None:
    """Not base64, too short, or another record."""
    assert decode(text) is None


def test_a_token_of_another_shape_is_no_token() -> None:
    """Sixty bytes alone are not enough."""
    assert decode(base64.b64encode(b"\x00" * 60).decode()) is None
    assert decode(f"{RECORDED}\n") is None
    assert decode(RECORDED[:-1]) is None
    assert decode("é") is None
