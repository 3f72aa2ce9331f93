"""The chain's bytes are for ever: these hashes may never change."""

from hashlib import sha256

import cbor2
import pytest

from bongsu.clock import SystemClock, next_stamp
from bongsu.limits import BUILD_DATE_MS
from bongsu.log.record import (
    Header,
    Kind,
    Lane,
    LogName,
    chain,
    genesis,
    header_hash,
    node_id,
    private_scope,
    public_scope,
    room_scope,
    scope_id,
    service_scope,
)

LOG = LogName(bytes(range(16)), 2**64 - 1, Lane.TEXT)
HEADER = Header(2, Kind.EVENT, b"s" * 16, 1, 1_790_000_000_000, b"b" * 32)


def test_the_hashes_are_those_of_the_first_release() -> None:
    assert genesis(LOG).hex() == sha256(cbor2.dumps([1, "log", LOG.node, LOG.epoch, 1])).hexdigest()
    fields = [1, genesis(LOG), 2, 10, b"s" * 16, 1, 1_790_000_000_000, b"b" * 32]
    assert header_hash(genesis(LOG), HEADER).hex() == sha256(cbor2.dumps(fields)).hexdigest()
    assert header_hash(genesis(LOG), HEADER).hex() == FIRST_RELEASE


FIRST_RELEASE = "1a68453902bc8ab85d6495a1e7066d23e7558adc6eaa57de4d3f51a450eb02e3"


@pytest.mark.parametrize(
    "other",
    [
        Header(3, Kind.EVENT, b"s" * 16, 1, 1_790_000_000_000, b"b" * 32),
        Header(2, Kind.RECEIPT, b"s" * 16, 1, 1_790_000_000_000, b"b" * 32),
        Header(2, Kind.EVENT, b"t" * 16, 1, 1_790_000_000_000, b"b" * 32),
        Header(2, Kind.EVENT, b"s" * 16, 0, 1_790_000_000_000, b"b" * 32),
        Header(2, Kind.EVENT, b"s" * 16, 1, 1_790_000_000_001, b"b" * 32),
        Header(2, Kind.EVENT, b"s" * 16, 1, 1_790_000_000_000, b"c" * 32),
    ],
)
def test_every_field_counts(other: Header) -> None:
    assert header_hash(genesis(LOG), other) != header_hash(genesis(LOG), HEADER)


def test_a_chain_continues_where_it_was_cut() -> None:
    headers = [Header(seq, Kind.EVENT, b"s" * 16, seq - 1, 5, b"b" * 32) for seq in range(1, 6)]
    whole = chain(genesis(LOG), headers)
    assert whole == chain(genesis(LOG), headers[:2]) + chain(whole[1], headers[2:])


def test_logs_of_other_nodes_epochs_and_lanes_begin_otherwise() -> None:
    others = [
        LogName(b"n" * 16, LOG.epoch, LOG.lane),
        LogName(LOG.node, 1, LOG.lane),
        LogName(LOG.node, LOG.epoch, Lane.BULK),
    ]
    assert len({genesis(log) for log in [LOG, *others]}) == 4


def test_scopes_are_apart_and_hashed() -> None:
    names = [room_scope("!a"), private_scope("@a:b"), public_scope("@a:b"), service_scope()]
    assert names == ["room !a", "user @a:b", "public @a:b", "service"]
    assert len({scope_id(name) for name in names}) == 4
    assert all(len(scope_id(name)) == 16 for name in names)


def test_numbers_of_kinds_are_never_given_out_again() -> None:
    assert {kind.name: int(kind) for kind in Kind} == {
        "EPOCH": 1, "NODE": 2, "REVOCATION": 3, "RESIDENCY": 4, "EVENT": 10, "REGISTER": 11, "USER": 12,
        "PASSWORD": 13, "SESSION": 14, "SESSION_END": 15, "RECEIPT": 16, "LOST": 17, "DEVICE_KEYS": 20,
        "ONE_TIME_KEYS": 21, "KEY_CLAIM": 22, "CROSS_SIGNING": 23, "SIGNATURES": 24, "TO_DEVICE": 25,
        "TO_DEVICE_COVERED": 26, "BACKUP_VERSION": 27, "BACKUP_KEYS": 28, "MEDIA": 30, "REPORT": 31,
        "DEFERRED_SEND": 32, "TOWER_KEY": 40, "TOWER_KEY_END": 41, "ALERT": 42, "ALERT_BRIEF": 43,
        "ALERT_ACK": 44, "SAFETY_CALL": 45, "CHECK_REQUEST": 46, "CHECK_IN": 47, "INCIDENT_ACT": 48,
        "FOREIGN_ALERT": 49, "ADMIN_ACT": 50, "MEDIA_END": 51,
    }  # fmt: skip


def test_a_node_is_named_by_its_key() -> None:
    assert node_id(b"k" * 32) == sha256(b"k" * 32).digest()[:16]


def test_a_stamp_is_later_than_what_it_replaces_and_than_now() -> None:
    assert next_stamp(100) == 100
    assert next_stamp(100, 50, 99) == 100
    assert next_stamp(100, 50, 100) == 101
    assert next_stamp(100, 10**15) == 10**15 + 1


def test_a_clock_is_never_before_the_build_date() -> None:
    assert SystemClock().now_ms() >= BUILD_DATE_MS
    clock = SystemClock()
    assert clock.monotonic() <= clock.monotonic()
