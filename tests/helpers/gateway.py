"""A push gateway on loopback that remembers what it was told, and answers as a test wants it to."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT_S = 30
PATH = "/_matrix/push/v1/notify"


class Gateway:
    """`answers`: (status, body) of the next requests; then 200 and nothing rejected."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.answers: list[tuple[int, bytes]] = []
        self._changed = threading.Condition()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status, answer = gateway.note(json.loads(body))
                self.send_response(status)
                if status == 302:
                    self.send_header("location", PATH)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{PATH}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def note(self, body: dict[str, Any]) -> tuple[int, bytes]:
        with self._changed:
            self.told.append(body["notification"])
            self._changed.notify_all()
            return self.answers.pop(0) if self.answers else (200, b'{"rejected":[]}')

    def wait(self, count: int) -> list[dict[str, Any]]:
        """The notifications, once there are as many."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.told) >= count, WAIT_S):
                raise AssertionError(f"{len(self.told)} of {count} notifications came: {self.told}")
            return list(self.told)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
