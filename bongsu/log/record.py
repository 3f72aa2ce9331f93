"""Records: kinds, lanes, scopes, and the hash chain over headers. DESIGN 5.1. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from hashlib import sha256

from cbor2 import dumps

VERSION = 1
HASH_BYTES = 32
SCOPE_BYTES = 16
NODE_BYTES = 16
EMPTY_BODY_HASH = sha256(b"").digest()


class Lane(IntEnum):
    """What may overtake what. A room lives in one lane for life."""

    URGENT = 0
    TEXT = 1
    BULK = 2


class Kind(IntEnum):
    """What a record means. Numbers are never given out again; unknown ones are carried unread."""

    EPOCH = 1
    NODE = 2
    REVOCATION = 3
    RESIDENCY = 4
    EVENT = 10
    REGISTER = 11
    USER = 12
    PASSWORD = 13
    SESSION = 14
    SESSION_END = 15
    RECEIPT = 16
    LOST = 17
    DEVICE_KEYS = 20
    ONE_TIME_KEYS = 21
    KEY_CLAIM = 22
    CROSS_SIGNING = 23
    SIGNATURES = 24
    TO_DEVICE = 25
    TO_DEVICE_COVERED = 26
    BACKUP_VERSION = 27
    BACKUP_KEYS = 28
    MEDIA = 30
    REPORT = 31
    DEFERRED_SEND = 32
    TOWER_KEY = 40
    TOWER_KEY_END = 41
    ALERT = 42
    ALERT_BRIEF = 43
    ALERT_ACK = 44
    SAFETY_CALL = 45
    CHECK_REQUEST = 46
    CHECK_IN = 47
    INCIDENT_ACT = 48
    FOREIGN_ALERT = 49
    ADMIN_ACT = 50
    MEDIA_END = 51


class BodyState(IntEnum):
    """Where a record's body is. The numbers are stored: 0 and 1 take no room in a row of SQLite,
    so that a body goes hollow without its row growing."""

    FULL = 0
    HOLLOW = 1  # erased, redacted to its pruned form, superseded or delivered; never refills
    WITHHELD = 2  # kept elsewhere
    SEALED = 3  # carried, not readable here


# Kinds whose bodies soon go hollow, most of them: delivered, or superseded by the next one.
PASSING = frozenset({Kind.REGISTER, Kind.RECEIPT, Kind.KEY_CLAIM, Kind.TO_DEVICE, Kind.TO_DEVICE_COVERED})


@dataclass(frozen=True, slots=True)
class LogName:
    """A log: `node` is the first half of the SHA-256 of its key, `epoch` 64 random bits of one start."""

    node: bytes
    epoch: int
    lane: Lane


@dataclass(frozen=True, slots=True)
class Header:
    """What the chain and the signatures cover. `scope_link`: seq of the scope's previous header, 0 = none."""

    seq: int
    kind: int
    scope: bytes
    scope_link: int
    stamp: int
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """A record before it has a place in a log. `scope`: a name, whose hash goes into the header, or that."""

    kind: int
    scope: str | bytes
    lane: Lane
    stamp: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """A record held here. `position` is its place in the order of arrival at this node, and local to it.

    A body is there when `state` is FULL; a hollow record may still have its pruned form.
    """

    position: int
    log: LogName
    header: Header
    hash: bytes
    body: bytes | None
    state: BodyState


@dataclass(frozen=True, slots=True)
class ForeignRecord:
    """A record as another node sends it."""

    header: Header
    body: bytes | None
    state: BodyState = BodyState.FULL


def room_scope(room_id: str) -> str:
    """One room."""
    return f"room {room_id}"


def private_scope(user_id: str) -> str:
    """What only this user's own devices and nodes need."""
    return f"user {user_id}"


def public_scope(user_id: str) -> str:
    """What everybody who shares a room with this user needs."""
    return f"public {user_id}"


def service_scope() -> str:
    """What every node needs."""
    return "service"


@lru_cache(maxsize=16_384)
def scope_id(name: str) -> bytes:
    """The scope as a header names it: hashed, so that a header tells a thief nothing."""
    return sha256(name.encode()).digest()[:SCOPE_BYTES]


SERVICE = scope_id(service_scope())


def node_id(public_key: bytes) -> bytes:
    """The name of the node that owns this Ed25519 public key."""
    assert len(public_key) == 32, "an Ed25519 public key has 32 bytes"
    return sha256(public_key).digest()[:NODE_BYTES]


def body_hash(body: bytes) -> bytes:
    """What a header says of its body."""
    return sha256(body).digest()


def genesis(log: LogName) -> bytes:
    """The `prev` of a log's first header, so that no header fits into two logs."""
    assert len(log.node) == NODE_BYTES
    return sha256(dumps([VERSION, "log", log.node, log.epoch, int(log.lane)], canonical=True)).digest()


def header_hash(prev: bytes, header: Header) -> bytes:
    """The header's hash, over the hash of the header before it."""
    assert len(prev) == HASH_BYTES, "prev is a SHA-256"
    fields = [
        VERSION,
        prev,
        header.seq,
        int(header.kind),
        header.scope,
        header.scope_link,
        header.stamp,
        header.body_hash,
    ]
    return sha256(dumps(fields, canonical=True)).digest()


def chain(prev: bytes, headers: Iterable[Header]) -> list[bytes]:
    """The hashes of consecutive headers, the first of which follows `prev`."""
    hashes = []
    for header in headers:
        prev = header_hash(prev, header)
        hashes.append(prev)
    return hashes
