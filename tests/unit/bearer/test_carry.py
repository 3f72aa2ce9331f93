"""A file of bundles: whoever changes one bit of it, or gives it to another, gets a sentence and no more."""

import io
import os
import zlib
from dataclasses import replace
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from bongsu import limits
from bongsu.bearer import carry
from bongsu.bearer.carry import Header, Recipient, Sealer
from bongsu.bearer.frame import Unreadable
from bongsu.log.key import SEAL, NodeKey

MAKER = NodeKey(b"m" * 32)
READER = NodeKey(b"r" * 32)
CONTENT_KEY = b"k" * 32
PARTS = [
    (carry.MANIFEST, b"vector"),
    (carry.BUNDLE, b"first " * 1000),
    (carry.BUNDLE, b""),
    (carry.END, b"end"),
]
LENGTHS = carry.LENGTH_BYTES


def header() -> Header:
    sealed = SEAL.encrypt(CONTENT_KEY, X25519PublicKey.from_public_bytes(READER.seal_public), carry.SEAL_INFO)
    readers = (Recipient(READER.node, sealed),)
    return Header(b"s" * 16, b"i" * 16, MAKER.public, "certificate:x", "north", "south", 5, 9, readers)


def made() -> bytes:
    raw = header().encode(MAKER.sign_bytes)
    sealer = Sealer(CONTENT_KEY, raw[len(carry.MAGIC) + LENGTHS : -carry.SIGNATURE_BYTES])
    return raw + b"".join(sealer.part(kind, payload) for kind, payload in PARTS)


def opened(file: bytes) -> list[tuple[int, bytes]]:
    read = io.BytesIO(file).read
    found, raw = carry.read_header(read)
    key = READER.unseal(found.recipients[0].sealed_key, carry.SEAL_INFO)
    assert key is not None
    return list(carry.read_parts(read, key, raw))


def part_starts(file: bytes) -> list[int]:
    """Where each part begins, and the end of the file."""
    at = len(header().encode(MAKER.sign_bytes))
    starts = [at]
    while at < len(file):
        at += LENGTHS + int.from_bytes(file[at : at + LENGTHS], "big")
        starts.append(at)
    return starts


def test_a_file_gives_back_what_was_put_in() -> None:
    found, _ = carry.read_header(io.BytesIO(made()).read)
    assert replace(found, recipients=()) == replace(header(), recipients=())
    assert found.node == MAKER.node
    assert opened(made()) == PARTS


def test_every_changed_bit_is_noticed() -> None:
    file = made()
    for at in range(0, len(file), 7):
        spoilt = bytearray(file)
        spoilt[at] ^= 1 << at % 8
        with pytest.raises((Unreadable, AssertionError)):
            opened(bytes(spoilt))


def test_whatever_came_before_an_early_end_was_good() -> None:
    file = made()
    starts = part_starts(file)
    for cut in range(starts[0], len(file)):
        read = io.BytesIO(file[:cut]).read
        _, raw = carry.read_header(read)
        got: list[tuple[int, bytes]] = []
        with pytest.raises(Unreadable, match="ends early"):
            # Not a list made at once: what came before the error counts.
            got.extend(carry.read_parts(read, CONTENT_KEY, raw))
        assert got == PARTS[: sum(start <= cut for start in starts[1:])]


@pytest.mark.parametrize(
    "order", [(1, 0, 2, 3), (0, 1, 1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2, 3, 3), (3,)]
)
def test_parts_that_change_places_are_noticed(order: tuple[int, ...]) -> None:
    file = made()
    starts = part_starts(file)
    parts = [file[first:last] for first, last in pairwise(starts)]
    with pytest.raises(Unreadable):
        opened(file[: starts[0]] + b"".join(parts[number] for number in order))


def test_a_part_of_another_file_does_not_fit() -> None:
    other = replace(header(), file_id=b"j" * 16).encode(MAKER.sign_bytes)
    file = made()
    with pytest.raises(Unreadable, match="changed on the way"):
        opened(other + file[part_starts(file)[0] :])


def test_a_header_that_others_signed_is_refused() -> None:
    with pytest.raises(Unreadable, match="not what its maker signed"):
        carry.read_header(io.BytesIO(header().encode(READER.sign_bytes)).read)


def test_only_its_reader_opens_it() -> None:
    sealed = header().recipients[0].sealed_key
    assert READER.unseal(sealed, carry.SEAL_INFO) == CONTENT_KEY
    assert MAKER.unseal(sealed, carry.SEAL_INFO) is None
    assert READER.unseal(sealed, b"something else") is None


def test_a_part_that_unpacks_to_a_mountain_is_refused_unmade() -> None:
    raw = header().encode(MAKER.sign_bytes)
    head = raw[len(carry.MAGIC) + LENGTHS : -carry.SIGNATURE_BYTES]
    bomb = bytes([carry.BUNDLE]) + zlib.compress(bytes(64 * limits.CARRY_PART_BYTES_MAX), 9)
    sealed = ChaCha20Poly1305(CONTENT_KEY).encrypt(bytes(12), bomb, carry.sha256(head).digest())
    with pytest.raises(Unreadable, match="unpacks to more"):
        opened(raw + len(sealed).to_bytes(LENGTHS, "big") + sealed)


@pytest.mark.parametrize("start", [b"", carry.MAGIC, carry.MAGIC + b"\xff" * 4, carry.MAGIC + bytes(4)])
def test_what_is_no_file_is_told_so(start: bytes) -> None:
    with pytest.raises(Unreadable):
        carry.read_header(io.BytesIO(start + os.urandom(100)).read)
