"""One simulated site: the production node with its whole API, on a disk, a clock and wires that can fail."""

import asyncio
import logging
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bongsu import limits
from bongsu.api.app import App
from bongsu.api.http import Route
from bongsu.api.static import StaticFiles
from bongsu.bearer.link import Channel, ChannelClosed
from bongsu.canonical import json_bytes, read_json
from bongsu.config import Config
from bongsu.errors import FatalError, MatrixError
from bongsu.fork_notes import ForkNotes
from bongsu.log.epoch import Held
from bongsu.log.key import NodeKey
from bongsu.log.record import LogName
from bongsu.log.store import Damaged, LogStore
from bongsu.node import Node
from bongsu.operate.forked import open_forked
from bongsu.rederive import Rederiver
from bongsu.service import Service
from bongsu.sim import disk as disks
from bongsu.sim import work
from bongsu.sim.disk import Disk, Image
from bongsu.sim.journal import Kept
from bongsu.sim.loop import AtOnce, Loop, Process
from bongsu.sim.network import End, Network
from bongsu.view.checkpoint import Checkpointer

logger = logging.getLogger(__name__)
NAME = "sim.example"
Checkpointer.new_pool = AtOnce  # type: ignore[method-assign]
work.spare()


class Unreachable(Exception):
    """No answer came: nobody knows whether the request was done."""


class SimClock:
    """A node's clock. `ahead_ms` puts it wrong; a clock before the build date counts as absent."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.ahead_ms = 0
        self.stands_at_ms: int | None = None

    def now_ms(self) -> int:
        true_ms = limits.BUILD_DATE_MS + 10_000_000_000 + int(self._loop.now * 1000)
        shown = true_ms + self.ahead_ms if self.stands_at_ms is None else self.stands_at_ms
        return max(shown, limits.BUILD_DATE_MS)

    def monotonic(self) -> float:
        return self._loop.now


class _Scope:
    """A request as the HTTP server hands it on."""

    proto = "http"
    client = "192.0.2.1:1"

    def __init__(self, method: str, path: str, query: dict[str, str], token: str | None, size: int) -> None:
        self.method = method
        self.path = path
        self.query_string = urlencode(query)
        self.headers: dict[str, str] = {"content-length": str(size)}
        if token is not None:
            self.headers["authorization"] = f"Bearer {token}"


Look = Callable[["Site", Any], Any]
Answer = tuple[int, Any, Any]


class _Gone:
    """Whether a client has hung up, as the HTTP server tells it."""

    def __init__(self, waiting: "asyncio.Future[Answer]") -> None:
        self.done = waiting.done

    def cancel(self) -> None:
        pass


class _Protocol:
    """Takes the answer. `look` is shown it at the moment it is given, before time passes."""

    def __init__(
        self,
        site: "Site",
        body: bytes,
        look: Look | None,
        answered: Callable[[Answer], None],
        waiting: "asyncio.Future[Answer]",
    ) -> None:
        """`waiting`: the client, until it has its answer or goes."""
        self._site = site
        self._body = body
        self._look = look
        self._answered = answered
        self._waiting = waiting

    async def __call__(self) -> bytes:
        return self._body

    async def __aiter__(self) -> Any:
        yield self._body

    def client_disconnect(self) -> "_Gone":
        return _Gone(self._waiting)

    def response_bytes(self, status: int, headers: object, body: bytes) -> None:
        value = read_json(body, floats=True) if body else None
        seen = self._look(self._site, value) if self._look is not None and status == 200 else None
        self._answered((status, value, seen))

    def response_empty(self, status: int, headers: object) -> None:
        self._answered((status, None, None))


class Site:
    """A node and what is under it. Its life goes on over many processes."""

    def __init__(self, name: str, loop: Loop, network: Network, folder: Path, rnd: random.Random) -> None:
        self.name = name
        self.loop = loop
        self.network = network
        self.random = rnd
        self.clock = SimClock(loop)
        self.disk = Disk(loop, rnd)
        self.disk.cut = self._cut_off
        self.image: Image = {}
        self.key = NodeKey(rnd.randbytes(32))
        self.process: Process | None = None
        self.service: Service
        self.app: App
        self.up = False
        self.lives = 0
        self.fabric = False
        self.answers_lost = 0.0
        self.neighbours: list[Site] = []
        # What its disk holds while no process runs: the seq of each log.
        self.held_when_down: dict[LogName, int] = {}
        self.states_when_down: dict[LogName, Held] = {}
        # What its disk held when it was lost or put back last.
        self.held_when_lost: dict[LogName, int] = {}
        self.told_fatal: Callable[[Site, FatalError], None] = lambda site, error: None
        self._folder = folder
        self._config: Config
        self._open: list[Node] = []
        # In the order in which they were asked.
        self._requests: dict[asyncio.Future[Answer], None] = {}

    def enrol(self, root_key: str, certificate: str, role: str = "core") -> None:
        """Give the site its key and certificate, on an empty disk."""
        self._config = Config(
            server_name=NAME,
            site=self.name,
            role=role,
            root_key=root_key,
            registration="open",
            rate_limits=False,
            free_bytes_min=0,
            peers=("https://others.example",),
        )
        self.image = {
            "node.key": self.key._private.private_bytes_raw(),
            "certificate": certificate.encode() + b"\n",
        }

    @property
    def node(self) -> Node:
        """The node that runs."""
        assert self.up, f"{self.name} does not run"
        return self.service.node

    @property
    def folder(self) -> Path:
        """The data directory of this life."""
        return self._folder / f"{self.name}-{self.lives}"

    def has(self, log: LogName) -> int:
        """Up to which seq a log is on this site's disk, whether or not the site runs."""
        if not self.up:
            return self.held_when_down.get(log, 0)
        state = self.node.log.held().get(log)
        return 0 if state is None else state.seq

    def holds(self, kept: Kept) -> bool:
        """Whether this very record is on this site's disk: a machine that forks gives numbers out twice."""
        if self.has(kept.log) < kept.seq:
            return False
        try:
            # The files of a process that was killed can be read until the run is over.
            found = self._open[-1].log.log_records(kept.log, kept.seq, 1)
        except Damaged:
            return False
        return bool(found) and found[0].hash == kept.hash

    def said(self, kept: Kept, to: "Site") -> bool:
        """Whether its disk held a record before it was lost, and `to` may know of the word, not of the loss.

        A word is on its way for a moment, and its disk may burn behind it; a later life's link tells of that.
        """
        if self.held_when_lost.get(kept.log, 0) < kept.seq:
            return False
        link = to.service.peers.links.get(self.key.node)
        later = self.up and link is not None and link.peer.details.session == self.service.peers.session
        return not later

    def start(self, static: StaticFiles, routes: list[Route]) -> None:
        """Start a process on what the disk holds. `up` says when it serves."""
        assert self.process is None, f"{self.name} runs already"
        self.lives += 1
        disks.write_image(self.folder, self.image)
        self.process = Process(self.loop, self.name)
        self.process.run(self._boot(self.process, static, routes))

    async def _boot(self, process: Process, static: StaticFiles, routes: list[Route]) -> None:
        opened = partial(
            LogStore.open, opener=self.disk.open, writer=self.disk.writer, random_bytes=self.random.randbytes
        )
        config = Config(**{**_fields(self._config), "data": self.folder})
        try:
            if ForkNotes(self.folder).left:
                node = await open_forked(config, self.clock, lambda done, total: None, opened)
            else:
                node = Node.open(config, self.clock, lambda done, total: None, open_log=opened)
            self._open.append(node)
            node.fatal = self.loop.create_future()
            node.fatal.add_done_callback(lambda fatal: self.told_fatal(self, fatal.result()))
            self.service = Service(node)
            await node.introduce()
        except FatalError as error:
            self.told_fatal(self, error)
            return
        except MatrixError as error:
            # A full disk: `serve` ends with the sentence, and is started again.
            self.told_fatal(self, FatalError(error.error))
            return
        Rederiver(node).start()
        self.service.lost_events.start()
        self.service.forks.start()
        self.service.state_resets.start()
        self.app = App(self.service, routes, static)
        self.up = True
        for each in self.neighbours:
            self.learn_of(each)

    def learn_of(self, other: "Site") -> None:
        """Keep a link with another site; on the fabric the one with the smaller name begins."""
        assert self.process is not None
        if not self.fabric:
            self.service.peers.start([other.name], None, self._dial)
        elif other.name > self.name:
            self.process.run(self._meet(other.name))

    async def _dial(self, name: str, _: object) -> Channel:
        await asyncio.sleep(self.network.wire(self.name, name).delay_s)
        called = next(each for each in self.neighbours if each.name == name)
        if not called.up or not self.network.reachable(self.name, name):
            raise ChannelClosed
        ours, theirs = self.network.connect(self.name, name, ordered=True)
        assert called.process is not None
        called.process.run(called.service.peers.serve(theirs))
        return ours

    async def _meet(self, name: str) -> None:
        """Meet a neighbour on the fabric whenever there is no channel between the two."""
        called = next(each for each in self.neighbours if each.name == name)
        while True:
            if called.up and called.process is not None and self.network.reachable(self.name, name):
                ours, theirs = self.network.connect(self.name, name, ordered=False)
                called.process.run(_until_over(called.service, theirs))
                await _until_over(self.service, ours)
            await asyncio.sleep(limits.LINK_BEAT_S)

    def kill(self, how: str = "crash") -> None:
        """End the process at once. `power`: with what was not synced."""
        if self.process is None:
            return
        image = disks.read_image(self.folder)
        if how == "power":
            image = disks.without_unsynced(image, self.random)
        self._end(image, silent=how == "power")

    def _cut_off(self, image: Image) -> None:
        """The power went off in the middle of a commit."""
        self._end(image, silent=True)

    def _end(self, image: Image, *, silent: bool) -> None:
        assert self.process is not None
        if self._open:
            held = self._open[-1].log.held()
            self.held_when_down = {log: state.seq for log, state in held.items()}
            self.states_when_down = dict(held)
        self.process.kill()
        self.process = None
        self.up = False
        self.image = image
        self.network.gone(self.name, silent=silent)
        for request in self._requests:
            # Not at once: whoever waits runs only after what is on the stack now.
            if not request.done():
                self.loop.outside(0.001, _fail, request)
        self._requests = {}

    async def stop(self) -> None:
        """End the process cleanly, as SIGTERM does."""
        if not self.up or self.process is None:
            return
        process, node, peers = self.process, self.node, self.service.peers

        async def stopping() -> None:
            node.stop()
            await peers.stop()
            await node.finish()

        task = process.run(stopping())
        await asyncio.wait([task], timeout=5)
        if self.process is process:
            self.kill()

    async def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        query: dict[str, str] | None = None,
        body: object = None,
        look: Look | None = None,
        timeout_s: float = 5.0,
    ) -> Answer:
        """One HTTP request of a client: status, JSON, and what `look` saw.

        Raises:
            Unreachable: no answer came in time, or nobody was there.
        """
        await asyncio.sleep(0.002)
        if not self.up or self.process is None:
            raise Unreachable
        answer: asyncio.Future[Answer] = self.loop.create_future()
        self._requests[answer] = None

        lost = self.random.random() < self.answers_lost

        def answered(value: Answer) -> None:
            if lost:
                value = (504, None, None)
            self.loop.outside(0.002, _resolve, answer, value)

        raw = b"" if body is None else json_bytes(body)
        scope = _Scope(method, path, query or {}, token, len(raw))
        self.process.run(self.app(scope, _Protocol(self, raw, look, answered, answer)))
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            raise Unreachable from None
        finally:
            self._requests.pop(answer, None)

    def dispose(self) -> None:
        """Close every file that killed processes had open, and remove them all."""
        for node in self._open:
            node.log._files.close()  # a clean close would first write what was queued
            node.context.db.close()
            node._checkpointer.close()
        disks.remove(self._folder)


async def _until_over(service: Service, channel: End) -> None:
    await service.peers.meet(channel)
    await channel.close()


def _resolve(future: "asyncio.Future[Answer]", value: Answer) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: "asyncio.Future[Answer]") -> None:
    if not future.done():
        future.set_exception(Unreachable())


def _fields(config: Config) -> dict[str, Any]:
    return {name: getattr(config, name) for name in Config.__slots__}
