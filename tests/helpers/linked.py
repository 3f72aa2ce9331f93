"""Nodes of one service that run in a test's process, and take links as `serve` does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from bongsu import authority, serve
from bongsu.clock import SystemClock
from bongsu.config import Config
from bongsu.enrolment import FILE_NAME
from bongsu.log.key import NodeKey
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.rootkey import RootKey
from tests.server import free_port


@dataclass
class Hub:
    """A node with its links and the listener for them."""

    node: Node
    peers: Peers
    listener: serve._Listener

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.listener.port}"

    async def end(self) -> None:
        await self.peers.stop()
        await self.listener.stop()
        self.node.close()


def certified(root: RootKey, given: Config) -> Config:
    """The settings of a node that takes links, with its key and the root key's certificate in its folder."""
    config = replace(
        given,
        # Of no other test that looks for neighbours at the same time.
        server_name=f"{root.public.hex()[:16]}.example",
        site=given.data.name,
        root_key=root.text,
        peer_listen=f"127.0.0.1:{free_port()}",
    )
    config.data.mkdir(mode=0o700)
    key = NodeKey.open(config.data / "node.key")
    request = authority.read_request(
        authority.sign_request(key.public, config.role, config.site, key.sign_bytes)
    )
    text = authority.sign_certificate(request, root.sign, issued_ms=1, expires_ms=None)
    (config.data / FILE_NAME).write_text(text, encoding="ascii")
    return config


async def hub(root: RootKey, given: Config) -> Hub:
    """A node that runs here, and takes links."""
    config = certified(root, given)
    node = Node.open(config, SystemClock(), lambda done, total: None)
    node.wait_for_nobody()
    await node.introduce()
    peers = Peers(node)
    assert config.peer_listen is not None
    listener = serve._for_nodes(config, config.peer_listen, peers)
    await listener.start()
    return Hub(node, peers, listener)


@asynccontextmanager
async def several(*configs: Config) -> AsyncIterator[list[Hub]]:
    """Nodes of one service."""
    root = RootKey.generate()
    hubs: list[Hub] = []
    try:
        hubs += [await hub(root, config) for config in configs]
        yield hubs
    finally:
        for each in hubs:
            await each.end()


async def eventually(is_so: Callable[[], object]) -> None:
    for _ in range(2_000):
        if is_so():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to be")
