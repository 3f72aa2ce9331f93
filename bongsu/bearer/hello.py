"""How two nodes begin a link: each says who it is and proves it with its key. Pure."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from cbor2 import dumps

from bongsu import limits
from bongsu.bearer.frame import FrameReader, refuse
from bongsu.canonical import json_bytes, read_json
from bongsu.errors import MatrixError
from bongsu.log.record import node_id

VERSION = 1
HELLO, PROOF = 16, 17
NONCE_BYTES = 32
KEY_BYTES = 32
SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class Details:
    """What a node says of itself. Nothing of it is believed because it is said here.

    `certificate`: of the root key, as text, "" where the service has no root. `session` names this start.
    `channel`: the end point of the channel that this is said on, in hex, "" where it has none.
    """

    service: str
    site: str
    role: str
    base_url: str
    release: str
    session: str
    certificate: str
    channel: str = ""

    def fields(self) -> dict[str, Any]:
        """As JSON. Fields may be added by later releases."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Peer:
    """The node at the other end, which has proved that it holds this key."""

    public_key: bytes
    details: Details

    @property
    def node(self) -> bytes:
        """The node's name."""
        return node_id(self.public_key)


class LinkKey(Protocol):
    """The node's key, as far as a link needs it."""

    public: bytes

    def sign_link(self, transcript: bytes) -> bytes: ...
    def verify_link(self, public_key: bytes, transcript: bytes, signature: bytes) -> bool: ...


class Handshake:
    """One beginning: send `hello`, give `receive` what comes, send what it returns, until `peer` is there."""

    def __init__(self, key: LinkKey, details: Details, nonce: bytes) -> None:
        assert len(nonce) == NONCE_BYTES, "a nonce is random and long"
        self._key = key
        self._service = details.service
        self._channel = details.channel
        fields = [VERSION, HELLO, key.public, nonce, json_bytes(details.fields())]
        self.hello: bytes = dumps(fields, canonical=True)
        self._theirs: tuple[bytes, Peer] | None = None
        self.peer: Peer | None = None

    def receive(self, raw: bytes) -> bytes | None:
        """Take the peer's hello, then its proof; what to send in answer, if anything.

        Raises:
            Unreadable: it is none of these, is of another service, or proves nothing. The link must end.
        """
        reader = FrameReader(raw)
        fields = reader.array(3, 5)
        version = reader.uint(2**32)
        if version != VERSION:
            refuse(f"its link is of version {version}, this node speaks {VERSION}")
        kind = reader.uint(2**32)
        if kind == HELLO and fields == 5 and self._theirs is None:
            return self._hello(reader, raw)
        if kind == PROOF and fields == 3 and self._theirs is not None:
            self._proof(reader)
            return None
        refuse("a link begins with a hello and a proof")

    def _hello(self, reader: FrameReader, raw: bytes) -> bytes:
        public_key = reader.octets(KEY_BYTES, KEY_BYTES)
        reader.octets(NONCE_BYTES, NONCE_BYTES)
        details = _details(reader.octets(limits.HELLO_BYTES_MAX))
        reader.end()
        if details.service != self._service:
            refuse(f"it belongs to the service {details.service}, this node to {self._service}")
        if public_key == self._key.public:
            refuse("it has this node's own key: it is a copy of this node, and one of the two must end")
        if self._channel and details.channel != self._channel:
            # Who passes hellos on between two nodes has a certificate of his own. RFC 5929, 4.
            refuse(
                "its hello does not name the certificate by which this link is encrypted: somebody stands "
                "between the two, or it is of a release before this one. Upgrade it, and see who answers"
            )
        self._theirs = raw, Peer(public_key, details)
        proof = self._key.sign_link(_digest(self.hello) + _digest(raw))
        return dumps([VERSION, PROOF, proof], canonical=True)

    def _proof(self, reader: FrameReader) -> None:
        signature = reader.octets(SIGNATURE_BYTES, SIGNATURE_BYTES)
        reader.end()
        assert self._theirs is not None
        raw, peer = self._theirs
        if not self._key.verify_link(peer.public_key, _digest(raw) + _digest(self.hello), signature):
            refuse("it does not hold the key it names")
        self.peer = peer


def _digest(hello: bytes) -> bytes:
    return sha256(hello).digest()


def _details(raw: bytes) -> Details:
    try:
        fields = read_json(raw)
    except MatrixError:
        refuse("its hello says nothing of itself")
    if not isinstance(fields, dict):
        refuse("its hello says nothing of itself")
    values = [fields.get(name, "") for name in Details.__slots__]
    if not all(isinstance(value, str) for value in values):
        refuse("its hello says of itself what is no text")
    return Details(*values)
