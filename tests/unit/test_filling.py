"""What a node waits for that fills: its own earlier logs, which may be the last of a backlog."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

from bongsu import drafts, limits
from bongsu.bearer.hello import Details, Peer
from bongsu.bearer.link import Link
from bongsu.clock import SystemClock, next_stamp
from bongsu.config import Config
from bongsu.filling import LOG, TOTAL, Filling
from bongsu.log.key import NodeKey
from bongsu.log.record import LogName
from bongsu.node import Node
from bongsu.peers import Peers
from tests.helpers.crowd import silent


class Clock(SystemClock):
    """Stands still until the test moves it."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def monotonic(self) -> float:
        return self.at_s


class Other:
    """The link with a node that says it holds much more, and a log of an earlier start of the asking node."""

    def __init__(self) -> None:
        public = NodeKey.generate().public
        self.peer = Peer(public, Details("localhost", "b", "core", "", "", "", ""))
        self.ended = False

    async def ask(self, topic: str, body: bytes) -> bytes:
        return TOTAL.pack(1_000_000) + LOG.pack(7, 1, 3)

    def advanced(self, logs: object) -> None:
        pass

    def shown(self) -> None:
        pass

    def has(self, log: LogName) -> int:
        return 0

    def end(self) -> None:
        self.ended = True


async def eventually(is_so: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to be")


async def test_a_link_is_begun_anew_only_where_nothing_comes_any_more(tmp_path: Path) -> None:
    clock, link = Clock(), Other()
    node = Node.open(Config(data=tmp_path, peer_listen="127.0.0.1:1"), clock, silent)
    node.wait_for_nobody()
    peers = Peers(node)
    filling = Filling(node, peers)
    peers.links[link.peer.node] = cast(Link, link)
    filling.start()
    await eventually(lambda: bool(filling._waits))
    (wait,) = filling._waits.values()
    await node.introduce()
    for number in range(4):
        # More comes, for longer than the bound in sum.
        clock.at_s += limits.FILLING_CONFIRM_S * 0.7
        held = filling.held
        await node.write(drafts.user(f"@user{number}:localhost", 1, next_stamp(node.now_ms())))
        assert filling.held > held
        await eventually(lambda: wait.deadline_s > clock.at_s)
    assert not link.ended
    assert not node.confirmed
    clock.at_s += limits.FILLING_CONFIRM_S * 2
    await eventually(lambda: link.ended)
    await filling.close()
    node.close()
