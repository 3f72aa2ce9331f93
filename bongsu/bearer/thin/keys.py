"""How two stations find out who is there, in two small frames each, and the keys they then share. Pure.

An ephemeral X25519 exchange, proved by both nodes' keys: their theft later opens nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bongsu.bearer.hello import LinkKey
from bongsu.log.record import NODE_BYTES, node_id

VERSION = 1
SERVICE_BYTES = 4
EPHEMERAL_BYTES = 32
HELLO_BYTES = 1 + SERVICE_BYTES + NODE_BYTES + EPHEMERAL_BYTES
PURPOSE = b"bongsu thin keys 1"
CHECK_KEY_BYTES, SEAL_KEY_BYTES = 16, 32
SEAL_BYTES = 16  # that a sealed message is longer

# The public key of a node of this service that may be linked with, or None.
Known = Callable[[bytes], bytes | None]


@dataclass(frozen=True, slots=True)
class Self:
    """Who this node is. `seed`: 32 random bytes of this start, from which its ephemeral keys come."""

    key: LinkKey
    service: str
    seed: bytes

    @property
    def node(self) -> bytes:
        """This node's name."""
        return node_id(self.key.public)

    def ephemeral(self, number: int) -> X25519PrivateKey:
        """The key of the handshake of this number."""
        raw = HKDF(SHA256(), EPHEMERAL_BYTES, salt=None, info=number.to_bytes(8, "big")).derive(self.seed)
        return X25519PrivateKey.from_private_bytes(raw)

    def hello(self, number: int) -> bytes:
        """What is said first."""
        public = self.ephemeral(number).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return bytes((VERSION,)) + service_tag(self.service) + self.node + public


def service_tag(service: str) -> bytes:
    """The service as a hello names it: enough to tell neighbours' services apart."""
    return sha256(service.encode()).digest()[:SERVICE_BYTES]


@dataclass(frozen=True, slots=True)
class Keys:
    """What one session seals and checks with, each way its own."""

    seal_out: bytes
    seal_in: bytes
    check_out: bytes
    check_in: bytes

    def seal(self, number: int, message: bytes) -> bytes:
        """A message nobody else reads. `number`: of the message, never twice."""
        return ChaCha20Poly1305(self.seal_out).encrypt(number.to_bytes(12, "big"), message, None)

    def open(self, number: int, sealed: bytes) -> bytes | None:
        """The message of this number, or None: somebody else made it, or it was spoilt."""
        try:
            return ChaCha20Poly1305(self.seal_in).decrypt(number.to_bytes(12, "big"), sealed, None)
        except InvalidTag:
            return None


class Greeting:
    """One handshake that has both hellos: `proof` is to be said, the other's to be checked."""

    def __init__(self, me: Self, number: int, theirs: bytes, public_key: bytes, keys: Keys) -> None:
        self._me = me
        self._hello, self.theirs = me.hello(number), theirs
        self.number = number
        self.public_key = public_key
        self.keys = keys

    @property
    def node(self) -> bytes:
        """Who the other says it is; nothing of it is believed before `proves`."""
        return node_id(self.public_key)

    def proof(self) -> bytes:
        """That this node holds its key, and heard that hello."""
        return self._me.key.sign_link(sha256(self._hello).digest() + sha256(self.theirs).digest())

    def proves(self, proof: bytes) -> bool:
        """Whether the other holds its key, and heard this node's hello."""
        transcript = sha256(self.theirs).digest() + sha256(self._hello).digest()
        return self._me.key.verify_link(self.public_key, transcript, proof)


def greet(me: Self, number: int, theirs: bytes, known: Known) -> Greeting | None:
    """What a hello begins, or None: it is none, is this node's own, or nobody's of this service."""
    if len(theirs) != HELLO_BYTES or theirs[: 1 + SERVICE_BYTES] != me.hello(number)[: 1 + SERVICE_BYTES]:
        return None
    node, ephemeral = theirs[1 + SERVICE_BYTES : -EPHEMERAL_BYTES], theirs[-EPHEMERAL_BYTES:]
    public_key = None if node == me.node else known(node)
    if public_key is None:
        return None
    try:
        shared = me.ephemeral(number).exchange(X25519PublicKey.from_public_bytes(ephemeral))
    except ValueError:
        return None  # a point of small order: whoever chose it would know the key
    mine = me.hello(number)
    first = me.node < node
    salt = sha256(mine + theirs if first else theirs + mine).digest()
    size = 2 * (SEAL_KEY_BYTES + CHECK_KEY_BYTES)
    raw = HKDF(SHA256(), size, salt=salt, info=PURPOSE).derive(shared)
    seals = raw[:SEAL_KEY_BYTES], raw[SEAL_KEY_BYTES : 2 * SEAL_KEY_BYTES]
    checks = raw[-2 * CHECK_KEY_BYTES : -CHECK_KEY_BYTES], raw[-CHECK_KEY_BYTES:]
    out, back = (0, 1) if first else (1, 0)
    return Greeting(me, number, theirs, public_key, Keys(seals[out], seals[back], checks[out], checks[back]))
