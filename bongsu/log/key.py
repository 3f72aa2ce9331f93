"""The node's Ed25519 key: its file, and signatures over lists of header hashes. DESIGN 5.1."""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bongsu.errors import FatalError
from bongsu.files import sync_folder
from bongsu.log.record import node_id

KEY_BYTES = 32
# Signed first, so that a signature over header hashes can never pass for one over anything else.
DOMAIN = b"bongsu header hashes 1\n"
LINK_DOMAIN = b"bongsu link 1\n"
SEAL_DOMAIN = b"bongsu seal key 1"
# What is sealed for a node: RFC 9180, base mode.
SEAL = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class NodeKey:
    """The key that makes a node this node. It never leaves the machine."""

    def __init__(self, secret: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self._private.public_key().public_bytes_raw()
        self.node = node_id(self.public)
        # A key of its own for what is sealed for this node: signing keys sign, and do nothing else.
        derived = HKDF(SHA256(), KEY_BYTES, salt=None, info=SEAL_DOMAIN).derive(secret)
        self._sealing = X25519PrivateKey.from_private_bytes(derived)
        self.seal_public = self._sealing.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> "NodeKey":
        """A new key, in no file."""
        return cls(os.urandom(KEY_BYTES))

    @classmethod
    def make(cls, path: Path) -> "NodeKey":
        """Make a new key and keep it at `path`, readable by its owner only."""
        secret = os.urandom(KEY_BYTES)
        part = path.with_name(f"{path.name}.part")
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, secret)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        # A link, unlike a rename, never overwrites a key that another process made meanwhile.
        os.link(part, path)
        part.unlink()
        sync_folder(path.parent)
        return cls(secret)

    @classmethod
    def load(cls, path: Path) -> "NodeKey":
        """Read the key at `path`."""
        try:
            mode = path.stat().st_mode & 0o777
            secret = path.read_bytes()
        except OSError as error:
            raise FatalError(f"The node's key {path} cannot be read: {error.strerror}.") from error
        if mode & 0o077:
            raise FatalError(f"The node's key {path} can be read by others. Run `chmod 600 {path}`.")
        if len(secret) != KEY_BYTES:
            raise FatalError(f"The node's key {path} is damaged: restore it, or move it away for a new node.")
        return cls(secret)

    @classmethod
    def open(cls, path: Path) -> "NodeKey":
        """The key at `path`, made at the first start."""
        return cls.load(path) if path.exists() else cls.make(path)

    def sign(self, hashes: Sequence[bytes]) -> bytes:
        """One signature over any list of header hashes of this node's logs."""
        assert hashes, "a signature over nothing says nothing"
        return self._private.sign(DOMAIN + b"".join(hashes))

    def sign_link(self, transcript: bytes) -> bytes:
        """Prove to a peer that this node is at this end of a link that began so."""
        return self._private.sign(LINK_DOMAIN + transcript)

    def verify_link(self, public_key: bytes, transcript: bytes, signature: bytes) -> bool:
        """Whether the owner of `public_key` is at the other end of a link that began so."""
        return _verify(public_key, LINK_DOMAIN + transcript, signature)

    def derive(self, purpose: bytes, length: int) -> bytes:
        """Secret bytes for another purpose, the same each time; they say nothing of the key."""
        return HKDF(SHA256(), length, salt=None, info=purpose).derive(self._private.private_bytes_raw())

    def sign_bytes(self, data: bytes) -> bytes:
        """A signature over bytes that begin with a domain of their own (bongsu/authority.py)."""
        assert not data.startswith(DOMAIN), "header hashes are signed by `sign` alone"
        return self._private.sign(data)

    def unseal(self, sealed: bytes, info: bytes) -> bytes | None:
        """What was sealed for this node under `info`, or None if it was not."""
        try:
            return SEAL.decrypt(sealed, self._sealing, info)
        except (InvalidTag, ValueError):
            return None


def verify(public_key: bytes, hashes: Sequence[bytes], signature: bytes) -> bool:
    """Whether the owner of `public_key` signed these header hashes in this order."""
    return _verify(public_key, DOMAIN + b"".join(hashes), signature)


@lru_cache(maxsize=256)
def _public(public_key: bytes) -> Ed25519PublicKey:
    """The key ready for use: making it ready costs a third of a verification, and nodes are few."""
    return Ed25519PublicKey.from_public_bytes(public_key)


def _verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        _public(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
