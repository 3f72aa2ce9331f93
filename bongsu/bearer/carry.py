"""A file of bundles for one site: who made it, for whom, and sealed parts in order. DESIGN 7. Pure.

docs/protocol/carry.md."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import NoReturn

from cbor2 import dumps
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from bongsu import limits
from bongsu.bearer.frame import FrameReader, Unreadable
from bongsu.log.record import NODE_BYTES, node_id

MAGIC = b"bongsu carry 1\n"
DOMAIN = b"bongsu carry header 1\n"
SEAL_INFO = b"bongsu carry key 1"
VERSION = 1
KEY_BYTES = 32
ID_BYTES = 16
SEALED_KEY_BYTES = 80  # HPKE with X25519: an encapsulated key of 32, the content key and a tag of 16
SIGNATURE_BYTES = 64
LENGTH_BYTES = 4
NONCE_BYTES = 12

# What a part holds.
MANIFEST, BUNDLE, BODIES, END = range(4)

ENDS_EARLY = "This file ends early: what came before its end was taken. Carry it again, whole, for the rest."
HEADER_ENDS = "This file ends before it says for whom it is. Carry it again, whole."

ReadBytes = Callable[[int], bytes]
Sign = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Recipient:
    """A node that may open the file, and the content key sealed for it alone."""

    node: bytes
    sealed_key: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """What anybody may read who holds the file: from whom, to which site, until when."""

    service: bytes
    file_id: bytes
    public_key: bytes  # of the node that made it
    certificate: str
    source: str  # the site that made it, as it calls itself
    destination: str
    created_ms: int
    expires_ms: int
    recipients: tuple[Recipient, ...]

    @property
    def node(self) -> bytes:
        """The node that made the file."""
        return node_id(self.public_key)

    def encode(self, sign: Sign) -> bytes:
        """The beginning of a file, signed by the node that makes it."""
        fields = [
            VERSION,
            self.service,
            self.file_id,
            self.public_key,
            self.certificate.encode(),
            self.source.encode(),
            self.destination.encode(),
            self.created_ms,
            self.expires_ms,
            [[each.node, each.sealed_key] for each in self.recipients],
        ]
        raw = dumps(fields, canonical=True)
        signature = sign(DOMAIN + raw)
        return MAGIC + len(raw).to_bytes(LENGTH_BYTES, "big") + raw + signature


def read_header(read: ReadBytes) -> tuple[Header, bytes]:
    """The header and its bytes, which the parts are bound to.

    Raises:
        Unreadable: this is no such file, or its header is not what its maker signed.
    """
    if read(len(MAGIC)) != MAGIC:
        refuse("it is not a file of bundles, or one of a later version")
    length = int.from_bytes(_exactly(read, LENGTH_BYTES, HEADER_ENDS), "big")
    if not 0 < length <= limits.CARRY_HEADER_BYTES_MAX:
        refuse(f"its header has {length} bytes")
    raw = _exactly(read, length, HEADER_ENDS)
    signature = _exactly(read, SIGNATURE_BYTES, HEADER_ENDS)
    header = _header(raw)
    try:
        Ed25519PublicKey.from_public_bytes(header.public_key).verify(signature, DOMAIN + raw)
    except (InvalidSignature, ValueError):
        refuse("its header is not what its maker signed")
    return header, raw


def _header(raw: bytes) -> Header:
    reader = FrameReader(raw)
    reader.array(10, 10)
    reader.uint(VERSION, VERSION)
    service, file_id = reader.octets(ID_BYTES, ID_BYTES), reader.octets(ID_BYTES, ID_BYTES)
    public_key = reader.octets(KEY_BYTES, KEY_BYTES)
    certificate = _text(reader, limits.CARRY_HEADER_BYTES_MAX)
    source = _text(reader, limits.SITE_CHARACTERS_MAX)
    destination = _text(reader, limits.SITE_CHARACTERS_MAX)
    created_ms, expires_ms = reader.uint(limits.SEQ_MAX), reader.uint(limits.SEQ_MAX)
    recipients = []
    for _ in range(reader.array(1, limits.CARRY_RECIPIENTS_MAX)):
        reader.array(2, 2)
        node = reader.octets(NODE_BYTES, NODE_BYTES)
        recipients.append(Recipient(node, reader.octets(SEALED_KEY_BYTES, SEALED_KEY_BYTES)))
    reader.end()
    return Header(
        service,
        file_id,
        public_key,
        certificate,
        source,
        destination,
        created_ms,
        expires_ms,
        tuple(recipients),
    )


def _text(reader: FrameReader, bytes_max: int) -> str:
    raw = reader.octets(bytes_max)
    # It is shown to people, in terminals too.
    if not all(32 <= byte < 127 for byte in raw):
        refuse("a name in its header has letters that names do not have")
    return raw.decode("ascii")


class Sealer:
    """Makes the parts of one file, each bound to the header, to its place and to whether it is the last."""

    def __init__(self, content_key: bytes, header: bytes) -> None:
        self._aead = ChaCha20Poly1305(content_key)
        self._bound = sha256(header).digest()
        self._count = 0

    def part(self, kind: int, payload: bytes) -> bytes:
        """The bytes of the next part; `END` is the last."""
        assert len(payload) <= limits.CARRY_PART_BYTES_MAX
        plain = bytes([kind]) + zlib.compress(payload, 6)
        sealed = self._aead.encrypt(_nonce(self._count, last=kind == END), plain, self._bound)
        self._count += 1
        return len(sealed).to_bytes(LENGTH_BYTES, "big") + sealed


def read_parts(read: ReadBytes, content_key: bytes, header: bytes) -> Iterator[tuple[int, bytes]]:
    """(kind, payload) of each part in its order, the `END` included.

    Raises:
        Unreadable: the file ends early, or a part is not what was sealed. Parts before it were good.
    """
    aead = ChaCha20Poly1305(content_key)
    bound = sha256(header).digest()
    for number in range(limits.CARRY_PARTS_MAX):
        length = int.from_bytes(_exactly(read, LENGTH_BYTES), "big")
        if not 16 < length <= limits.CARRY_PART_BYTES_MAX + 1024:
            refuse(f"part {number + 1} has {length} bytes")
        kind, payload = _open(aead, _exactly(read, length), number, bound)
        yield kind, payload
        if kind == END:
            if read(1):
                refuse("something follows its end")
            return
    refuse("it has too many parts")


def _open(aead: ChaCha20Poly1305, sealed: bytes, number: int, bound: bytes) -> tuple[int, bytes]:
    for last in (False, True):
        try:
            plain = aead.decrypt(_nonce(number, last=last), sealed, bound)
        except InvalidTag:
            continue
        if not plain or (plain[0] == END) != last:
            break
        return plain[0], _inflate(plain[1:], number)
    refuse(f"part {number + 1} was changed on the way, or is not at its place")


def _inflate(packed: bytes, number: int) -> bytes:
    """What was deflated, never more than a part may hold: a small part could claim to be a mountain."""
    inflater = zlib.decompressobj()
    try:
        payload = inflater.decompress(packed, limits.CARRY_PART_BYTES_MAX)
    except zlib.error:
        refuse(f"part {number + 1} cannot be unpacked")
    if inflater.unconsumed_tail or inflater.unused_data or not inflater.eof:
        refuse(f"part {number + 1} unpacks to more than a part holds")
    return payload


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(NONCE_BYTES - 1, "big") + bytes([last])


def _exactly(read: ReadBytes, count: int, otherwise: str = ENDS_EARLY) -> bytes:
    raw = read(count)
    if len(raw) != count:
        raise Unreadable(otherwise)
    return raw


def refuse(why: str) -> NoReturn:
    """Refuse the file, or what follows in it.

    Raises:
        Unreadable: always.
    """
    raise Unreadable(f"This file cannot be read: {why}.")
