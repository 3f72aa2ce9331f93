"""A browser and its push service on loopback: keys as a browser makes them, and what came, decrypted."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from bongsu.canonical import decode_urlsafe_base64, unpadded_urlsafe_base64

WAIT_S = 30


class PushService:
    """`answers`: statuses of the next requests; then 201. `told`: payloads; `headers`: of each request."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[int] = []
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = os.urandom(16)
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.p256dh = unpadded_urlsafe_base64(point)
        self.auth = unpadded_urlsafe_base64(self._auth)
        self._changed = threading.Condition()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = service.note({name.lower(): value for name, value in self.headers.items()}, body)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}/push/one-browser?v=1"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def note(self, headers: dict[str, str], body: bytes) -> int:
        """Decrypt as the browser does; what cannot be decrypted raises, and the sender gets no answer."""
        plain = http_ece.decrypt(body, private_key=self._key, auth_secret=self._auth, version="aes128gcm")
        with self._changed:
            self.told.append(json.loads(plain))
            self.headers.append(headers)
            self._changed.notify_all()
            return self.answers.pop(0) if self.answers else 201

    def wait(self, count: int) -> list[dict[str, Any]]:
        """The payloads, once there are as many."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.told) >= count, WAIT_S):
                raise AssertionError(f"{len(self.told)} of {count} messages came: {self.told}")
            return list(self.told)

    def is_signed(self, number: int) -> bool:
        """Whether the key in the header signed for this very service."""
        authorization = self.headers[number]["authorization"]
        token = authorization.removeprefix("vapid t=").partition(",")[0]
        claims = json.loads(decode_urlsafe_base64(token.split(".")[1]))
        own = urlsplit(self.endpoint)
        return bool(Vapid02.verify(authorization)) and claims["aud"] == f"{own.scheme}://{own.netloc}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
