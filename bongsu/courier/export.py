"""Making a file: what a destination lacks, lane by lane, logs of a lane in turn, sealed part by part."""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from cbor2 import dumps
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from bongsu import limits
from bongsu.bearer import carry
from bongsu.bearer.carry import Header, Recipient, Sealer
from bongsu.courier.bodies import manifest, parts
from bongsu.courier.destinations import Destination, Known, lacks_of
from bongsu.courier.rows import Rows
from bongsu.log.key import SEAL
from bongsu.log.record import Lane, LogName
from bongsu.log.store import Damaged
from bongsu.node import Node

Write = Callable[[bytes], object]
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Exported:
    """What went into a file. `complete`: all that the destination lacked, as far as is known here."""

    file_id: bytes
    records: int = 0
    size: int = 0
    complete: bool = True
    expires_ms: int = 0
    # Logs of which the file ends before what is held here, because a body lacks here: at which seq.
    ends: dict[LogName, int] = field(default_factory=dict)


@dataclass(slots=True)
class Export:
    """One file in the making."""

    node: Node
    target: Destination
    known: Known
    scopes: frozenset[bytes] | None
    rows: Rows
    bytes_max: int
    progress: Progress
    _queues: dict[Lane, deque[tuple[LogName, int]]] = field(default_factory=dict)
    _ends: dict[LogName, int] = field(default_factory=dict)

    async def write(self, write: Write) -> Exported:
        """Write the whole file; between two parts others get their turn."""
        content_key, done = os.urandom(carry.KEY_BYTES), Exported(os.urandom(carry.ID_BYTES))
        header = self._header(content_key, done.file_id)
        done.expires_ms = header.expires_ms
        raw = header.encode(self.node.log.key.sign_bytes)
        sealer = Sealer(content_key, raw[len(carry.MAGIC) + carry.LENGTH_BYTES : -carry.SIGNATURE_BYTES])
        total = self._gather()
        done.ends = self._ends
        self._put(write, done, raw)
        said = manifest(self.node.log.vector().encode(), self.scopes)
        self._put(write, done, sealer.part(carry.MANIFEST, said))
        # Alerts and revocations are before everything: a file may end early.
        await self._bundles(write, done, sealer, (Lane.URGENT,), total)
        for payload in parts(self.node.log, lacks_of(self.node, self.target), self._allowed):
            self._put(write, done, sealer.part(carry.BODIES, payload))
        await self._bundles(write, done, sealer, tuple(Lane), total)
        end = dumps([int(done.complete), done.records], canonical=True)
        self._put(write, done, sealer.part(carry.END, end))
        return done

    async def _bundles(
        self, write: Write, done: Exported, sealer: Sealer, lanes: tuple[Lane, ...], total: int
    ) -> None:
        """What lacks of these lanes, as far as there is room."""
        while done.complete and (found := self._next(lanes)) is not None:
            bundle, records = found
            part = sealer.part(carry.BUNDLE, bundle)
            if done.size + len(part) > self.bytes_max:
                done.complete = False
                break
            self._put(write, done, part)
            done.records += records
            self.progress(done.records, max(total, done.records))
            await asyncio.sleep(0)

    def _allowed(self, scope: bytes) -> bool:
        return self.scopes is None or scope in self.scopes

    @staticmethod
    def _put(write: Write, done: Exported, raw: bytes) -> None:
        write(raw)
        done.size += len(raw)

    def _header(self, content_key: bytes, file_id: bytes) -> Header:
        node = self.node
        mine = node.certificate_of(node.log.key.node)
        now_ms = node.now_ms()
        return Header(
            service_id(node.config.server_name),
            file_id,
            node.log.key.public,
            "" if mine is None else mine.text,
            node.config.site,
            self.target.name,
            now_ms,
            now_ms + limits.CARRY_EXPIRES_MS,
            tuple(
                Recipient(name, SEAL.encrypt(content_key, _public(key), carry.SEAL_INFO))
                for name, key in self.target.keys
            ),
        )

    def _gather(self) -> int:
        """Find what is lacking; how many records that is."""
        total = 0
        self._queues = {lane: deque() for lane in Lane}
        for log, state in self.node.log.held().items():
            after = self.known.after(log)
            if after < state.seq:
                self._queues[log.lane].append((log, after))
                total += state.seq - after
        return total

    def _next(self, lanes: tuple[Lane, ...]) -> tuple[bytes, int] | None:
        """The next bundle and its records: of the most urgent of these lanes that has one, logs in turn."""
        for queue in (self._queues[lane] for lane in lanes):
            while queue:
                log, after = queue.popleft()
                try:
                    found = self.rows.bundle(log, after, self._allowed)
                except Damaged as damage:
                    # This node must not give on what it cannot prove; another may have it whole.
                    self.node.suspect(damage)
                    found = None
                if found is not None:
                    bundle, last_seq = found
                    queue.append((log, last_seq))
                    return bundle, last_seq - after
                held = self.node.log.held_log(log)
                if held is not None and after < held.seq:
                    self._ends[log] = after
        return None


def _public(key: bytes) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(key)


def service_id(server_name: str) -> bytes:
    """How a file names its service."""
    return sha256(server_name.encode()).digest()[: carry.ID_BYTES]
