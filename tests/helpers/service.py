"""Nodes of a service with a root key, played by the test, and a real node that gets their logs."""

import asyncio
import random
from collections.abc import Iterable
from pathlib import Path

from bongsu import authority, drafts
from bongsu.authority import Certificate, Cut, Request
from bongsu.canonical import unpadded_base64
from bongsu.clock import SystemClock
from bongsu.config import Config
from bongsu.enrolment import install
from bongsu.log.foreign import Taken
from bongsu.log.key import NodeKey
from bongsu.log.record import Draft, ForeignRecord, Lane, LogName, Record
from bongsu.log.store import LogStore
from bongsu.node import Node
from bongsu.rederive import Rederiver

ROOT = NodeKey.generate()
ROOT_KEY = unpadded_base64(ROOT.public)


def certify(
    key: NodeKey,
    role: str = "core",
    site: str = "south",
    *,
    by: NodeKey = ROOT,
    issuer: Certificate | None = None,
    delegates: bool = False,
    issued_ms: int = 1,
    expires_ms: int | None = None,
) -> str:
    """A certificate of a node's key."""
    return authority.sign_certificate(
        Request(key.public, role, site),
        by.sign_bytes,
        issued_ms=issued_ms,
        expires_ms=expires_ms,
        delegates=delegates,
        issuer=issuer,
    )


def revoke(node: bytes, number: int, cuts: Iterable[Cut], *, by: NodeKey = ROOT) -> str:
    """A revocation of a node."""
    return authority.sign_revocation(node, number, cuts, by.sign_bytes)


class Site:
    """A node of the service that only writes."""

    def __init__(self, folder: Path, site: str, role: str = "core") -> None:
        folder.mkdir()
        self.key = NodeKey.generate()
        self.site, self.role = site, role
        self.log = LogStore.open(folder / "log.db", self.key, clock=SystemClock(), free_bytes_min=0)
        self.certificate = certify(self.key, role, site)

    async def introduce(self) -> None:
        await self.write(drafts.node(self.key.public, self.role, self.site, 1, self.certificate))

    async def write(self, *records: Draft) -> None:
        await self.log.append(records)

    def logs(self) -> dict[LogName, list[Record]]:
        """All it wrote."""
        held = self.log.held_of(self.key.node)
        return {log: self.log.log_records(log, 1, seq) for log, seq in held}

    def cut(self, lane: Lane, seq: int, digest: bytes | None = None) -> Cut:
        """A cut behind record `seq` of a lane."""
        for log, records in self.logs().items():
            if log.lane == lane:
                return Cut(log.epoch, lane, seq, digest or records[seq - 1].hash)
        raise KeyError(lane)


class AheadClock(SystemClock):
    """A clock that can be moved on."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


class Reader:
    """A real node that gets what the others wrote."""

    def __init__(self, folder: Path) -> None:
        self.config = Config(data=folder, root_key=ROOT_KEY, site="north")
        folder.mkdir()
        key = NodeKey.open(folder / "node.key")
        install(self.config, certify(key, site="north"))
        self.clock = AheadClock()
        self.node = Node.open(self.config, self.clock, lambda done, total: None)
        self.rederiver = Rederiver(self.node)
        self.rederiver.start()
        self.node.fatal = asyncio.get_running_loop().create_future()

    async def take(self, site: Site, records: list[Record]) -> None:
        """Consecutive records of one log arrive."""
        foreign = [ForeignRecord(each.header, each.body, each.state) for each in records]
        signature = site.key.sign([records[-1].hash])
        answer = await self.node.log.append_foreign(records[0].log, site.key.public, foreign, signature)
        assert isinstance(answer, Taken), answer

    async def take_all(self, sites: list[Site], seed: int) -> None:
        """Everything the sites wrote arrives, in some order that keeps to each log's own."""
        chosen = random.Random(seed)
        left = [(site, records) for site in sites for records in site.logs().values()]
        while left:
            at = chosen.randrange(len(left))
            site, records = left[at]
            count = chosen.randint(1, 9)
            await self.take(site, records[:count])
            if records[count:]:
                left[at] = site, records[count:]
            else:
                left.pop(at)

    async def settled(self) -> None:
        """The view holds nothing any more that a revocation undid."""
        while self.node.context.authorities.stale:
            assert self.node.fatal is not None
            assert not self.node.fatal.done(), self.node.fatal.result()
            await asyncio.sleep(0)

    def close(self) -> None:
        self.node.close()
