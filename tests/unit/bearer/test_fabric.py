"""A node whose permissions at the NATS servers are wrong, and one that they put out, with a real server."""

import asyncio
import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bongsu.bearer.nats import Fabric
from tests.server import free_port

SERVER = Path(sys.executable).with_name("nats-server")
NODE = bytes(range(16))


class Nats:
    """A server with one user, who may what `permissions` says."""

    def __init__(self, folder: Path) -> None:
        self.port, self.file = free_port(), folder / "nats.conf"
        self.url = f"nats://node:word@127.0.0.1:{self.port}"
        self.allow(">")
        self.process = subprocess.Popen([SERVER, "-c", self.file], stderr=subprocess.DEVNULL)

    def allow(self, subjects: str, *, password: str = "word") -> None:
        user = f'{{user: node, password: {password}, permissions: {{publish: "{subjects}"}}}}'
        text = f'listen: "127.0.0.1:{self.port}"\nauthorization {{ users: [{user}] }}\n'
        self.file.write_text(text, encoding="utf-8")

    def reload(self, subjects: str, *, password: str = "word") -> None:
        self.allow(subjects, password=password)
        self.process.send_signal(signal.SIGHUP)


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Nats]:
    server = Nats(tmp_path)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while True:
            if holds():
                return
            await asyncio.sleep(0.01)


async def never_met(_: object) -> None:
    raise AssertionError("there is nobody else")


def test_permissions_of_another_node_are_said_once_and_end(
    nats: Nats, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bongsu")

    async def go() -> None:
        fabric = Fabric("talk.example", NODE, never_met)
        fabric.start([nats.url], None)
        await until(lambda: fabric.connected)
        assert not fabric.refused
        nats.reload("somebody.else")
        await until(lambda: fabric.refused)
        for _ in range(20):
            await fabric.publish(NODE.hex(), b"refused, too")
        await fabric.client.flush()
        assert fabric.refused
        assert fabric.connected
        nats.reload(">")
        await until(lambda: fabric.connected and not fabric.refused)
        await fabric.stop()

    asyncio.run(go())
    said = [record for record in caplog.records if "refuses this node" in record.getMessage()]
    assert [record.levelname for record in said] == ["WARNING"]
    assert NODE.hex() in said[0].getMessage()


def test_a_node_that_was_put_out_comes_back_by_itself(nats: Nats) -> None:
    async def go() -> None:
        fabric = Fabric("talk.example", NODE, never_met)
        fabric.start([nats.url], None)
        await until(lambda: fabric.connected)
        nats.reload(">", password="another")
        await until(lambda: not fabric.connected)
        nats.reload(">")
        await until(lambda: fabric.connected)
        await fabric.stop()

    asyncio.run(go())
