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
from bongsu.bearer.bundle import Bundle
from bongsu.bearer.carry import Header, Recipient, Sealer
from bongsu.courier.bodies import manifest, parts
from bongsu.courier.destinations import Destination, Known, lacks_of
from bongsu.hub.bodies import Allowed
from bongsu.log.key import SEAL
from bongsu.log.record import BodyState, ForeignRecord, Lane, LogName, Record
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


@dataclass(slots=True)
class Export:
    """One file in the making."""

    node: Node
    target: Destination
    known: Known
    scopes: frozenset[bytes] | None
    bytes_max: int
    progress: Progress
    _queues: dict[Lane, deque[tuple[LogName, int]]] = field(default_factory=dict)

    async def write(self, write: Write) -> Exported:
        """Write the whole file; between two parts others get their turn."""
        content_key, done = os.urandom(carry.KEY_BYTES), Exported(os.urandom(carry.ID_BYTES))
        header = self._header(content_key, done.file_id)
        done.expires_ms = header.expires_ms
        raw = header.encode(self.node.log.key.sign_bytes)
        sealer = Sealer(content_key, raw[len(carry.MAGIC) + carry.LENGTH_BYTES : -carry.SIGNATURE_BYTES])
        total = self._gather()
        self._put(write, done, raw)
        said = manifest(self.node.log.vector().encode(), self.scopes)
        self._put(write, done, sealer.part(carry.MANIFEST, said))
        for payload in parts(self.node.log, lacks_of(self.node, self.target), self._allowed):
            self._put(write, done, sealer.part(carry.BODIES, payload))
        while (bundle := self._next()) is not None:
            part = sealer.part(carry.BUNDLE, bundle.encode())
            if done.size + len(part) > self.bytes_max:
                done.complete = False
                break
            self._put(write, done, part)
            done.records += len(bundle.records)
            self.progress(done.records, max(total, done.records))
            await asyncio.sleep(0)
        end = dumps([int(done.complete), done.records], canonical=True)
        self._put(write, done, sealer.part(carry.END, end))
        return done

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

    def _next(self) -> Bundle | None:
        """The next bundle: of the most urgent lane that has one, its logs in turn."""
        for queue in self._queues.values():
            while queue:
                log, after = queue.popleft()
                bundle = self._bundle(log, after)
                if bundle is not None:
                    queue.append((log, bundle.last_seq))
                    return bundle
        return None

    def _bundle(self, log: LogName, after: int) -> Bundle | None:
        try:
            found = self.node.log.stretch(log, after)
        except Damaged as damage:
            # This node must not give on what it cannot prove; another may have it whole.
            self.node.suspect(damage)
            return None
        if found is None:
            return None
        records, signature = found
        carried = tuple(_carried(record, self._allowed) for record in records)
        return Bundle(self.node.log.public_key(log.node), log.epoch, log.lane, carried, signature)


def _carried(record: Record, allowed: Allowed) -> ForeignRecord:
    if record.state in (BodyState.FULL, BodyState.HOLLOW) and not allowed(record.header.scope):
        return ForeignRecord(record.header, None, BodyState.WITHHELD)
    return ForeignRecord(record.header, record.body, record.state)


def _public(key: bytes) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(key)


def service_id(server_name: str) -> bytes:
    """How a file names its service."""
    return sha256(server_name.encode()).digest()[: carry.ID_BYTES]
