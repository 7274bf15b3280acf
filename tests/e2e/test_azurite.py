"""Azurite as the local stack starts it."""

import os
import subprocess
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from tests.e2e.stacks import until
from tools.stack.data_folder import DataFolder
from tools.stack.parts import readiness, services
from tools.stack.system import ports

pytestmark = pytest.mark.e2e


def started(part: services.Part) -> subprocess.Popen[bytes]:
    """The part, answering."""
    process = subprocess.Popen(
        part.command,
        cwd=part.folder,
        env=os.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    until("Azurite to answer", lambda: readiness.storage_answers(part.port))
    return process


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    """
    Azurite alone saves every five seconds; an audit entry must not be lost like that.
    """
    with DataFolder(tmp_path) as data:
        data.make()
        port = ports.choose({"--storage-port": 0})["--storage-port"]
        part = services.storage(port, data)
        with started(part) as killed:
            blobs = BlobServiceClient.from_connection_string(
                services.connection_string(port), retry_total=0
            )
            with blobs:
                container = blobs.create_container("audit")
                blob = container.get_blob_client("entries.ndjson")
                blob.create_append_blob()
                for number in range(20):
                    blob.append_block(f"{number}\n".encode())
                killed.kill()
                killed.wait()

                with started(part) as stopped:
                    kept = blob.download_blob().readall()

                    assert stopped.stdin is not None
                    stopped.stdin.close()
                    assert stopped.wait(30) == 0

    assert kept.decode().split() == [str(number) for number in range(20)]
