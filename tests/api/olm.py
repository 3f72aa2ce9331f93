"""Keys as clients make and sign them, without the ratchets behind them."""

import itertools
import json
from base64 import b64encode
from collections.abc import Iterable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.api.client import Json, User

_numbers = itertools.count(1)


def base64(data: bytes) -> str:
    return b64encode(data).decode().rstrip("=")


class SigningKey:
    """An Ed25519 key that signs JSON. Its canonical JSON is the standard library's, not the program's."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.public = base64(self._key.public_key().public_bytes_raw())

    def signature(self, value: Json) -> str:
        bare = {name: field for name, field in value.items() if name not in ("signatures", "unsigned")}
        text = json.dumps(bare, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return base64(self._key.sign(text.encode()))

    def sign(self, value: Json, user_id: str, name: str = "") -> Json:
        """The value with one more signature, by `name` or the public key itself."""
        signed = json.loads(json.dumps(value))
        by_key = signed.setdefault("signatures", {}).setdefault(user_id, {})
        by_key[f"ed25519:{name or self.public}"] = self.signature(value)
        return signed  # type: ignore[no-any-return]


class Device:
    """The keys of the device a user is logged in on."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.key = SigningKey()
        self.curve = SigningKey().public

    def keys(self, **more: Any) -> Json:
        device_id = self.user.device_id
        value = {
            "user_id": self.user.user_id,
            "device_id": device_id,
            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            "keys": {f"curve25519:{device_id}": self.curve, f"ed25519:{device_id}": self.key.public},
            **more,
        }
        return self.sign(value)

    def sign(self, value: Json) -> Json:
        return self.key.sign(value, self.user.user_id, self.user.device_id)

    def one_time_keys(self, ids: Iterable[str]) -> Json:
        return {f"signed_curve25519:{each}": self.sign({"key": SigningKey().public}) for each in ids}

    def fallback_key(self) -> Json:
        value = self.sign({"key": SigningKey().public, "fallback": True})
        return {f"signed_curve25519:F{next(_numbers)}": value}

    def upload(self, **more: Any) -> Json:
        """Upload the identity keys and what is given with them; the counts of one-time keys."""
        answer: Json = self.user.post("keys", "upload", body={"device_keys": self.keys(), **more})
        return answer["one_time_key_counts"]  # type: ignore[no-any-return]


class CrossSigning:
    """A user's three cross-signing keys."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.master, self.self_signing, self.user_signing = SigningKey(), SigningKey(), SigningKey()

    def public(self, usage: str, key: SigningKey) -> Json:
        return {"user_id": self.user_id, "usage": [usage], "keys": {f"ed25519:{key.public}": key.public}}

    def body(self) -> Json:
        below = {
            usage: self.master.sign(self.public(usage, getattr(self, usage)), self.user_id)
            for usage in ("self_signing", "user_signing")
        }
        return {
            "master_key": self.public("master", self.master),
            **{f"{usage}_key": key for usage, key in below.items()},
        }
