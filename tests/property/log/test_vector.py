"""Version vectors are a join semilattice, and their compact form is exact and small."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.errors import MatrixError
from bongsu.log.record import Lane, LogName
from bongsu.log.vector import LANES, Vector

NODES = [bytes([number]) * 16 for number in range(3)]
EPOCHS = [number << 48 | 7 for number in range(4)]

logs = st.builds(LogName, st.sampled_from(NODES), st.sampled_from(EPOCHS), st.sampled_from(Lane))
ordinals = st.integers(1, 6)
entries = st.lists(st.tuples(logs, ordinals, st.integers(0, 300)), max_size=12)
vectors = st.builds(
    lambda listed: Vector.of({(log, at): (log, at, seq) for log, at, seq in listed}.values()), entries
)

ALL = [
    (LogName(node, epoch, lane), ordinal)
    for node in NODES
    for epoch in EPOCHS
    for lane in Lane
    for ordinal in range(1, 8)
]


def held(vector: Vector) -> list[float]:
    """How far every possible log is held: the meaning of a vector."""
    found = []
    for log, ordinal in ALL:
        entry = vector.nodes.get(log.node[:3])
        seq = 0 if entry is None else entry.held((ordinal, log.epoch.to_bytes(8, "big")[:2], int(log.lane)))
        found.append(float("inf") if seq is None else seq)
    return found


@settings(deadline=None)
@given(vectors, vectors)
def test_merge_holds_what_either_holds(one: Vector, other: Vector) -> None:
    merged = one.merge(other)
    assert held(merged) == [max(pair) for pair in zip(held(one), held(other), strict=True)]
    assert merged == other.merge(one)
    assert one <= merged
    assert other <= merged


@settings(deadline=None)
@given(vectors, vectors, vectors)
def test_merge_is_associative_and_idempotent(one: Vector, two: Vector, three: Vector) -> None:
    assert one.merge(two).merge(three) == one.merge(two.merge(three))
    assert one.merge(one) == one
    assert one.merge(Vector.empty()) == one


@settings(deadline=None)
@given(vectors, vectors)
def test_comparison_follows_what_is_held(one: Vector, other: Vector) -> None:
    assert (one <= other) == all(a <= b for a, b in zip(held(one), held(other), strict=True))
    assert (one.merge(other) == other) == (one <= other)
    assert (one.missing(other) == []) == (other <= one)


@settings(deadline=None)
@given(vectors, logs, ordinals, st.integers(1, 300))
def test_advance_covers_and_never_lowers_what_is_listed(
    vector: Vector, log: LogName, ordinal: int, seq: int
) -> None:
    after = vector.advance(log, ordinal, seq)
    assert after.covers(log, ordinal, seq)
    assert vector <= after
    assert after.advance(log, ordinal, seq) == after


@settings(deadline=None)
@given(vectors, logs, ordinals, st.integers(1, 301))
def test_covers_says_what_is_held(vector: Vector, log: LogName, ordinal: int, seq: int) -> None:
    assert vector.covers(log, ordinal, seq) == (seq <= held(vector)[ALL.index((log, ordinal))])


@settings(deadline=None)
@given(vectors, vectors)
def test_missing_names_every_record_that_only_the_other_holds(one: Vector, other: Vector) -> None:
    spans = one.missing(other)
    for (log, ordinal), ours, theirs in zip(ALL, held(one), held(other), strict=True):
        tag = log.epoch.to_bytes(8, "big")[:2]
        named = any(
            span.prefix == log.node[:3]
            and span.first_ordinal <= ordinal <= span.last_ordinal
            and span.tag in (None, tag)
            and span.lane in (None, log.lane)
            and (span.upto is None or span.upto > ours)
            for span in spans
        )
        assert named or theirs <= ours


@settings(deadline=None)
@given(vectors)
def test_the_compact_form_is_exact(vector: Vector) -> None:
    assert Vector.decode(vector.encode()) == vector


def decoded_or_refused(raw: bytes) -> bool:
    """Exactly one of the two: another vector's form, or refused as a parameter."""
    try:
        return Vector.decode(raw).encode() == raw
    except MatrixError as error:
        return error.errcode == "M_INVALID_PARAM"


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_garbage_is_refused_and_nothing_else_happens(raw: bytes) -> None:
    for candidate in (raw, b"\x01" + raw):
        assert decoded_or_refused(candidate)


@settings(deadline=None)
@given(vectors, st.data())
def test_a_damaged_token_never_passes_for_another_form_of_itself(vector: Vector, data: st.DataObject) -> None:
    raw = bytearray(vector.encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    assert decoded_or_refused(bytes(raw))


def test_too_long_a_token_is_refused() -> None:
    with pytest.raises(MatrixError):
        Vector.decode(b"\x01" * 100_000)
    with pytest.raises(MatrixError):
        Vector.decode(b"")


def test_53_nodes_after_1000_starts_each_fit_1000_bytes() -> None:
    rnd = random.Random(1)
    listed = []
    for _ in range(53):
        node, epoch = rnd.randbytes(16), rnd.getrandbits(64)
        listed += [(LogName(node, epoch, lane), 1_000, rnd.randrange(2**14, 2**21)) for lane in Lane]
    vector = Vector.of(listed)
    assert len(listed) == 53 * LANES
    assert len(vector.encode()) <= 1_000
    assert Vector.decode(vector.encode()) == vector
