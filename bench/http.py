"""A small HTTP client for load: one request in flight a connection, kept alive; parsing by httptools."""

import asyncio
import json
import ssl
import time
from typing import Any, cast
from urllib.parse import quote, urlsplit

import httptools

# The same for every server: their defaults for the length of a timeline differ.
_FILTER = quote('{"room":{"timeline":{"limit":50}}}', safe="")


class HttpError(Exception):
    """An answer other than 2xx."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body[:200]!r}")
        self.status = status


class Connection(asyncio.Protocol):
    """One connection to a server."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._body: list[bytes] = []
        # When the last answer was here, whoever waits for it may be busy with others.
        self.answered_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        # uvloop's transports are not asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        assert self._parser is not None
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the connection"))
        self._transport = None

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        assert self._parser is not None
        self.answered_s = time.perf_counter()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), b"".join(self._body)))

    @property
    def open(self) -> bool:
        """Whether the connection can take a request."""
        return self._transport is not None and not self._transport.is_closing()

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request, return (status, body)."""
        assert self._transport is not None
        self._parser = httptools.HttpResponseParser(self)
        self._body = []
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer


class Client:
    """A user of a homeserver, on a connection of their own."""

    def __init__(self, base_url: str, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(base_url)
        assert parts.hostname is not None
        self._host = parts.hostname
        self._port = parts.port or 80
        self._tls = tls
        self._connection: Connection | None = None
        self.token = ""
        self.user_id = ""
        self.since = ""

    async def call(self, method: str, path: str, body: object = None, query: str = "") -> Any:
        """One request; the JSON of a 2xx answer. `path` begins after /_matrix/client/."""
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} /_matrix/client/{path}{query} HTTP/1.1\r\nhost: {self._host}:{self._port}\r\n"
        if self.token:
            head += f"authorization: Bearer {self.token}\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        if self._connection is None or not self._connection.open:
            loop = asyncio.get_running_loop()
            _, self._connection = await loop.create_connection(
                Connection, self._host, self._port, ssl=self._tls
            )
        status, answer = await self._connection.exchange(head.encode() + content)
        if not 200 <= status < 300:
            raise HttpError(status, answer)
        return json.loads(answer)

    @property
    def answered_s(self) -> float:
        """When the last answer was here, by `time.perf_counter`."""
        return 0.0 if self._connection is None else self._connection.answered_s

    async def register(self, name: str, password: str = "bench password") -> None:
        """Make an account by the dummy stage."""
        body = {"username": name, "password": password, "auth": {"type": "m.login.dummy"}}
        self._take(await self.call("POST", "v3/register", body))

    async def login(self, name: str, password: str = "bench password") -> None:
        """Log in with a new device."""
        identifier = {"type": "m.id.user", "user": name}
        body = {"type": "m.login.password", "identifier": identifier, "password": password}
        self._take(await self.call("POST", "v3/login", body))

    def _take(self, answer: dict[str, Any]) -> None:
        self.token, self.user_id = answer["access_token"], answer["user_id"]

    async def create_room(self, preset: str = "public_chat") -> str:
        """Make a room."""
        body = {"preset": preset}
        return str((await self.call("POST", "v3/createRoom", body))["room_id"])

    async def join(self, room_id: str) -> None:
        """Join a room."""
        await self.call("POST", f"v3/join/{quote(room_id, safe='')}", {})

    async def send(self, room_id: str, text: str, txn_id: str) -> str:
        """Send a text message; the event id."""
        path = f"v3/rooms/{quote(room_id, safe='')}/send/m.room.message/{quote(txn_id, safe='')}"
        return str((await self.call("PUT", path, {"msgtype": "m.text", "body": text}))["event_id"])

    async def sync(self, timeout_ms: int = 0) -> dict[str, Any]:
        """Sync on from where this client stands."""
        query = f"?timeout={timeout_ms}&filter={_FILTER}" + (f"&since={self.since}" if self.since else "")
        answer = await self.call("GET", "v3/sync", query=query)
        self.since = answer["next_batch"]
        return dict(answer)
