"""Messages in pieces come out as they went in; whatever else comes is refused or forgotten."""

import random
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from bongsu import limits
from bongsu.bearer.call import Tell, encode, is_call
from bongsu.bearer.frame import Unreadable
from bongsu.bearer.pieces import Pieces, is_piece, split


@given(st.integers(0, 5 * limits.PIECE_BYTES), st.integers(1, 2**53 - 1))
def test_a_message_comes_out_as_it_went_in(size: int, number: int) -> None:
    raw = random.Random(size).randbytes(size)
    pieces, parts = Pieces(), split(raw, number)
    if size <= limits.PIECE_BYTES:
        assert parts == [raw]
        return
    found = [pieces.take(part) for part in parts]
    assert found == [None] * (len(parts) - 1) + [raw]
    assert all(map(is_piece, parts))
    assert not any(map(is_call, parts))
    assert not is_piece(encode(Tell("keep", raw)))


@given(st.integers(0, 2**32))
def test_what_lost_a_piece_is_lost_and_the_next_comes_whole(seed: int) -> None:
    rnd, pieces = random.Random(seed), Pieces()
    first, second = (rnd.randbytes(3 * limits.PIECE_BYTES + rnd.randrange(99)) for _ in range(2))
    parts = split(first, 1)
    parts.pop(rnd.randrange(len(parts)))
    assert [pieces.take(part) for part in parts] == [None] * len(parts)
    assert [pieces.take(part) for part in split(second, 2)][-1] == second


@given(st.binary(max_size=200), st.integers(0, 11), st.integers(0, 7))
def test_hostile_pieces_raise_nothing_else(noise: bytes, at: int, bit: int) -> None:
    pieces = Pieces()
    part = bytearray(split(bytes(3 * limits.PIECE_BYTES), 7)[0])
    part[at] ^= 1 << bit
    for raw in (noise, bytes(part), b"\x86\x01\x18\x30" + noise):
        with suppress(Unreadable):
            assert pieces.take(raw) is None or raw


def test_a_message_without_end_is_refused() -> None:
    pieces = Pieces()
    size = limits.EXCHANGE_MESSAGE_BYTES_MAX
    parts = split(bytes(size + 2 * limits.PIECE_BYTES), 3)
    refused = False
    for part in parts:
        try:
            assert pieces.take(part) is None
        except Unreadable:
            refused = True
            break
    assert refused
