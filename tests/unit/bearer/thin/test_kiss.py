"""KISS framing: every frame comes through, and noise around it does no harm."""

import random

from hypothesis import given
from hypothesis import strategies as st

from bongsu.bearer.thin import kiss

FRAMES = st.lists(st.binary(min_size=1, max_size=300), max_size=6)


@given(FRAMES, st.integers(1, 50))
def test_frames_come_through_in_any_pieces(frames: list[bytes], size: int) -> None:
    raw = b"".join(map(kiss.encode, frames))
    decoder = kiss.Decoder()
    found = []
    for at in range(0, len(raw), size):
        found += decoder.feed(raw[at : at + size])
    assert found == frames


@given(st.binary(max_size=200), FRAMES)
def test_noise_before_a_frame_costs_at_most_what_it_touches(noise: bytes, frames: list[bytes]) -> None:
    decoder = kiss.Decoder()
    decoder.feed(noise)
    found = decoder.feed(b"\xc0" + b"".join(map(kiss.encode, frames)))
    assert found[len(found) - len(frames) :] == frames


def test_a_modem_that_never_ends_a_frame_is_not_held() -> None:
    decoder = kiss.Decoder()
    chance = random.Random(1)
    for _ in range(200):
        assert decoder.feed(bytes(chance.randrange(0xC0) for _ in range(1_000))) == []
    assert len(decoder._frame) <= kiss.FRAME_BYTES_MAX + 1
    assert decoder.feed(kiss.encode(b"\xc0\xdb\xdc")) == [b"\xc0\xdb\xdc"]


def test_commands_of_other_kinds_are_passed_over() -> None:
    assert kiss.Decoder().feed(b"\xc0\x01\x20\xc0\x10\x00abc\xc0") == []
