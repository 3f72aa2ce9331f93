"""Bundles: one encoding each, and whatever comes in is a bundle or refused."""

import pytest
from cbor2 import dumps
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu import limits
from bongsu.bearer.bundle import CARRIED, Bundle, outline
from bongsu.bearer.frame import Unreadable
from bongsu.log.record import BodyState, ForeignRecord, Header, Lane, body_hash, node_id

keys = st.binary(min_size=32, max_size=32)
hashes = st.binary(min_size=32, max_size=32)


@st.composite
def records(draw: st.DrawFn, seq: int) -> ForeignRecord:
    state = draw(st.sampled_from(sorted(CARRIED)))
    body = draw(st.binary(max_size=300))
    digest = body_hash(body) if state == BodyState.FULL else draw(hashes)
    gone = state == BodyState.WITHHELD or (state == BodyState.HOLLOW and draw(st.booleans()))
    kept = None if gone else body
    header = Header(
        seq,
        draw(st.integers(0, limits.ORDINAL_MAX)),
        draw(st.binary(min_size=16, max_size=16)),
        draw(st.integers(0, seq - 1)),
        draw(st.integers(0, limits.SEQ_MAX)),
        digest,
    )
    return ForeignRecord(header, kept, state)


@st.composite
def bundles(draw: st.DrawFn) -> Bundle:
    count = draw(st.integers(1, 5))
    first = draw(st.one_of(st.integers(1, 100), st.just(limits.SEQ_MAX - count + 1)))
    return Bundle(
        draw(keys),
        draw(st.integers(0, 2**64 - 1)),
        draw(st.sampled_from(Lane)),
        tuple(draw(records(seq)) for seq in range(first, first + count)),
        draw(st.binary(min_size=64, max_size=64)),
    )


def readable(raw: bytes) -> Bundle | None:
    """The bundle, or None if it is refused; no other outcome passes."""
    try:
        bundle = Bundle.decode(raw)
    except Unreadable:
        return None
    assert bundle.encode() == raw
    said = outline(raw)
    assert (said.log, said.first_seq, said.last_seq) == (bundle.log, bundle.first_seq, bundle.last_seq)
    assert (said.public_key, said.signature) == (bundle.public_key, bundle.signature)
    return bundle


@given(bundles())
def test_a_bundle_comes_back_as_it_went(bundle: Bundle) -> None:
    assert readable(bundle.encode()) == bundle
    assert bundle.log.node == node_id(bundle.public_key)


@given(bundles(), st.data())
def test_every_cut_is_refused(bundle: Bundle, data: st.DataObject) -> None:
    raw = bundle.encode()
    assert readable(raw[: data.draw(st.integers(0, len(raw) - 1))]) is None
    assert readable(raw + data.draw(st.binary(min_size=1, max_size=9))) is None


@settings(max_examples=300)
@given(bundles(), st.data())
def test_a_changed_bundle_is_refused_or_another_bundle(bundle: Bundle, data: st.DataObject) -> None:
    raw = bytearray(bundle.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    changed = readable(bytes(raw))
    assert changed is None or (changed == bundle) == (bytes(raw) == bundle.encode())


@settings(max_examples=300)
@given(st.sampled_from([b"", b"\x87\x01\x58\x20"]), st.binary(max_size=400))
def test_garbage_is_refused(head: bytes, tail: bytes) -> None:
    readable(head + tail)


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.binary(max_size=64), st.text(max_size=9)
)
cbor = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.integers(0, 9), inner, max_size=4),
    max_leaves=20,
)


@given(cbor)
def test_other_cbor_is_refused(value: object) -> None:
    readable(dumps(value))


def one(body: bytes) -> Bundle:
    header = Header(1, 1, bytes(16), 0, 0, body_hash(body))
    return Bundle(bytes(32), 7, Lane.TEXT, (ForeignRecord(header, body),), bytes(64))


@pytest.mark.parametrize("head", [b"\x9b", b"\x5b"], ids=["items", "bytes"])
def test_a_length_that_lies_allocates_nothing(head: bytes) -> None:
    raw = one(b"body").encode()
    at = raw.index(b"\x81\x87") if head == b"\x9b" else raw.index(b"\x44body")
    assert readable(raw[:at] + head + b"\x00\xff" + b"\xff" * 6 + raw[at + 1 :]) is None


def test_bounds_hold_at_the_edge() -> None:
    largest = one(bytes(limits.RECORD_BODY_BYTES_MAX))
    assert readable(largest.encode()) == largest
    assert readable(one(bytes(limits.RECORD_BODY_BYTES_MAX + 1)).encode()) is None
    assert readable(bytes(limits.BUNDLE_BYTES_MAX + 1)) is None


def test_a_future_version_is_named() -> None:
    raw = bytearray(one(b"").encode())
    raw[1] = 2
    with pytest.raises(Unreadable, match="version 2"):
        Bundle.decode(bytes(raw))


def test_a_number_written_long_is_refused() -> None:
    raw = one(b"").encode()
    assert raw[1] == 1
    assert readable(raw[:1] + b"\x18\x01" + raw[2:]) is None
