"""The service's root key: a file sealed with a passphrase, and text for paper. Kept off the nodes."""

import base64
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from bongsu import limits
from bongsu.canonical import decode_base64, json_bytes, unpadded_base64
from bongsu.errors import FatalError, MatrixError
from bongsu.files import write_whole

KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 12
CHECK_BYTES = 3
KIND = "bongsu root key 1"
# About 0.3 s and 64 MiB for each guess.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**16, 8, 1
_LOOK_ALIKES = str.maketrans("018", "OIB")


class RootKey:
    """The key that says which nodes belong to the service."""

    # What the file says it is, so that a key is not taken for another sort of key.
    kind = KIND
    called = "root key"

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._private = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self._private.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> Self:
        """A new key, in no file."""
        return cls(os.urandom(KEY_BYTES))

    @property
    def text(self) -> str:
        """The public key as the setting root_key takes it."""
        return unpadded_base64(self.public)

    def sign(self, data: bytes) -> bytes:
        """A signature over bytes that begin with a domain of their own (bongsu/authority.py)."""
        return self._private.sign(data)

    def save(self, path: Path, passphrase: str) -> None:
        """Write the key, sealed.

        Raises:
            FatalError: there is a file already, or the passphrase is too short.
        """
        if len(passphrase) < limits.PASSPHRASE_CHARACTERS_MIN:
            raise FatalError(
                f"The passphrase has fewer than {limits.PASSPHRASE_CHARACTERS_MIN} characters. Whoever has "
                "the root key is the service: take several words."
            )
        salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
        sealed = AESGCM(_derive(passphrase, salt)).encrypt(
            nonce, self._secret, _covered(self.kind, self.text)
        )
        content = {
            "kind": self.kind,
            "public_key": self.text,
            "salt": unpadded_base64(salt),
            "nonce": unpadded_base64(nonce),
            "sealed": unpadded_base64(sealed),
        }
        try:
            write_whole(path, json_bytes(content) + b"\n", replace=False)
        except FileExistsError as error:
            raise FatalError(
                f"{path} exists. A {self.called} is never overwritten: name another file."
            ) from error
        except OSError as error:
            raise FatalError(f"{path} cannot be written: {error.strerror}.") from error

    @classmethod
    def load(cls, path: Path, passphrase: str) -> Self:
        """Open the key at `path`.

        Raises:
            FatalError: it is not there, damaged, or the passphrase is another.
        """
        content = _read(path, cls.kind, cls.called)
        try:
            salt, nonce, sealed = (decode_base64(content[name]) for name in ("salt", "nonce", "sealed"))
            key = AESGCM(_derive(passphrase, salt))
            return cls(key.decrypt(nonce, sealed, _covered(cls.kind, content["public_key"])))
        except (InvalidTag, ValueError, MatrixError) as error:
            raise FatalError(f"The passphrase does not open {path}.") from error

    def printable(self) -> str:
        """The secret itself, for paper in a safe: groups of four, a check at the end of every line."""
        lines = [f"ROOT KEY: {self.text}"]
        for at in range(0, KEY_BYTES, 8):
            part = self._secret[at : at + 8]
            letters = base64.b32encode(part + _check(at, part)).decode().rstrip("=")
            lines.append(" ".join(letters[index : index + 4] for index in range(0, len(letters), 4)))
        return "\n".join(lines)

    @classmethod
    def from_printed(cls, text: str) -> "RootKey":
        """Read what `printable` made, as a person types it.

        Raises:
            FatalError: a line is mistyped, which the sentence names.
        """
        lines = [line for line in text.strip().splitlines() if line.strip()]
        lines = [line for line in lines if ":" not in line]
        if len(lines) != KEY_BYTES // 8:
            raise FatalError(f"A printed root key has {KEY_BYTES // 8} lines of letters and digits.")
        secret = b"".join(_line(number, line) for number, line in enumerate(lines))
        return cls(secret)


def public_key(path: Path) -> str:
    """The public key of a root key file; no passphrase is needed."""
    return str(_read(path, KIND, "root key")["public_key"])


def _read(path: Path, kind: str, called: str) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["kind"] == kind and all(isinstance(each, str) for each in content.values()):
            return {name: content[name] for name in ("public_key", "salt", "nonce", "sealed")}
    except OSError as error:
        raise FatalError(f"The {called} {path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise FatalError(f"{path} is not a {called}, or is damaged. Restore it from its copy or from paper.")


def _derive(passphrase: str, salt: bytes) -> bytes:
    function = Scrypt(salt=salt, length=KEY_BYTES, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
    return function.derive(passphrase.encode())


def _covered(kind: str, public: str) -> bytes:
    """So that a file cannot show another public key than it holds the secret of."""
    return f"{kind}\n{public}".encode()


def _check(at: int, part: bytes) -> bytes:
    return sha256(bytes([at]) + part).digest()[:CHECK_BYTES]


def _line(number: int, line: str) -> bytes:
    letters = "".join(line.split()).upper().translate(_LOOK_ALIKES)
    try:
        raw = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError:
        raw = b""
    if len(raw) != 8 + CHECK_BYTES or _check(number * 8, raw[:8]) != raw[8:]:
        raise FatalError(f"Line {number + 1} of the printed root key is mistyped.")
    return raw[:8]
