"""Web Push: what a browser's push service is given, encrypted for the browser and signed by this node.

RFC 8030, 8291, 8292; docs/protocol/client.md, "Web Push".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bongsu import limits
from bongsu.canonical import decode_urlsafe_base64, json_bytes, unpadded_urlsafe_base64
from bongsu.errors import MatrixError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

APP_ID = "kr.bongsu.web"
_PURPOSE = b"bongsu web push 1"
_TEXT_CHARACTERS_MAX = 128
_AUTH_BYTES = 16


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a browser gave of its push service. `vapid`: the key that the service takes messages from."""

    endpoint: str
    p256dh: str
    auth: str
    vapid: str


def is_web_push(app_id: str, value: dict[str, Any]) -> bool:
    """Whether a pusher is a browser's, to be told without a gateway in between."""
    return app_id == APP_ID and "url" not in value["data"]


def subscription(pushkey: str, data: dict[str, Any]) -> Subscription | None:
    """What a pusher's key and data say, in the names of Sygnal's Web Push; None: it cannot be used."""
    fields = [pushkey, data.get("endpoint"), data.get("auth"), data.get("vapid")]
    if not all(isinstance(field, str) for field in fields):
        return None
    endpoint, auth, vapid = str(data["endpoint"]), str(data["auth"]), str(data["vapid"])
    if not (_is_point(pushkey) and _is_point(vapid) and len(_bytes(auth)) == _AUTH_BYTES):
        return None
    return Subscription(endpoint, pushkey, auth, vapid)


class WebPushKey:
    """The key by which push services know this node; derived from its own: there is no other to keep."""

    def __init__(self, derive: Callable[[bytes, int], bytes]) -> None:
        self._derive = derive
        self._private: EllipticCurvePrivateKey | None = None

    @property
    def private(self) -> "EllipticCurvePrivateKey":
        """Made at the first use."""
        from cryptography.hazmat.primitives.asymmetric import ec

        if self._private is None:
            curve = ec.SECP256R1()
            # 16 bytes more than the curve's order has: what is left after the division is as good as even.
            number = int.from_bytes(self._derive(_PURPOSE, 48), "big")
            self._private = ec.derive_private_key(number % (curve.group_order - 1) + 1, curve)
        return self._private

    @property
    def public(self) -> str:
        """The uncompressed point in URL-safe base64: what `applicationServerKey` of a subscription wants."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return unpadded_urlsafe_base64(point)

    def message(
        self, to: Subscription, told: dict[str, Any], subject: str, now_s: int
    ) -> tuple[bytes, dict[str, str]]:
        """The body and the headers that a push service is sent."""
        # Here, because it brings two HTTP clients that are never used: the connection is the gateway's own.
        from py_vapid import Vapid02  # type: ignore[import-untyped]
        from pywebpush import WebPusher  # type: ignore[import-untyped]

        keys = {"p256dh": to.p256dh, "auth": to.auth}
        body = WebPusher({"endpoint": to.endpoint, "keys": keys}).encode(json_bytes(told))["body"]
        parts = urlsplit(to.endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": now_s + limits.WEB_PUSH_TOKEN_S,
            "sub": subject,
        }
        signed = Vapid02(self.private, conf={"no-strict": True}).sign(claims)
        headers = {
            "content-type": "application/octet-stream",
            "content-encoding": "aes128gcm",
            "ttl": str(limits.WEB_PUSH_KEPT_S),
            "urgency": "high" if told.get("prio") == "high" else "normal",
            "authorization": str(signed["Authorization"]),
        }
        return bytes(body), headers


def _is_point(text: str) -> bool:
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(text))
    except ValueError:
        return False
    return True


def _bytes(text: str) -> bytes:
    if len(text) > _TEXT_CHARACTERS_MAX:
        return b""
    try:
        return decode_urlsafe_base64(text)
    except MatrixError:
        return b""
