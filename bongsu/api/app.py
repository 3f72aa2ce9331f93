"""From bytes to handler and back: routing, bounds, authentication, errors, headers. An RSGI application."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Protocol

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]

from bongsu import limits
from bongsu.api.access import requester, token_of
from bongsu.api.certainty import certain
from bongsu.api.http import JSON_HEADERS, Headers, Request, Response, Route
from bongsu.api.router import Router
from bongsu.api.static import StaticFiles
from bongsu.canonical import json_bytes
from bongsu.errors import MatrixError, not_json, too_large
from bongsu.log.store import Damaged
from bongsu.service import Service
from bongsu.sessions import used
from bongsu.setting_values import Networks
from bongsu.view.sessions import Requester
from bongsu.withdrawal import ERRCODE

logger = logging.getLogger(__name__)

SECURITY_HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cache-control", "no-store"),
    # Without it the server underneath writes its own name.
    ("server", "bongsu"),
)
CORS_HEADERS = (
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET, POST, PUT, DELETE, OPTIONS"),
    ("access-control-allow-headers", "X-Requested-With, Content-Type, Authorization"),
    ("access-control-max-age", "86400"),
    (
        "access-control-expose-headers",
        "x-bongsu-id, x-bongsu-records, x-bongsu-complete, x-bongsu-expires, x-bongsu-expires-in, "
        "x-bongsu-not-a-resident, x-bongsu-not-heard-yet, retry-after",
    ),
)
_HEADERS_WITH_CORS = SECURITY_HEADERS + CORS_HEADERS
_JSON_WITH_CORS = [*JSON_HEADERS, *_HEADERS_WITH_CORS]  # of nearly every answer
GONE = 499  # what nginx counts a client as that did not wait for its answer
_PREFIXES_WITH_CORS = ("/_matrix/", "/_bongsu/", "/.well-known/")


class Scope(Protocol):
    """The part of an RSGI scope that is used."""

    proto: str
    method: str
    path: str
    query_string: str
    headers: Any
    client: str


class ClientGone(Exception):
    """The client hung up before its request was begun. It has asked elsewhere meanwhile."""


class App:
    """The RSGI application."""

    def __init__(self, service: Service, routes: list[Route], files: StaticFiles) -> None:
        self.service = service
        self.router = Router(routes)
        self.files = files
        # Requests by (module of the specification, status): read by the private listener.
        self.counts: Counter[tuple[str, int]] = Counter()
        # Whose requests failed by a defect of ours, and when (monotonic seconds), the last of them.
        self.failed: deque[tuple[float, str]] = deque(maxlen=limits.WATCH_FAILED_MAX)

    async def __call__(self, scope: Scope, protocol: Any) -> None:
        """Answer one request. Whatever a client sends, an error is JSON with an errcode, never a 5xx."""
        if scope.proto != "http":
            protocol.close(400)
            return
        headers = _HEADERS_WITH_CORS if scope.path.startswith(_PREFIXES_WITH_CORS) else SECURITY_HEADERS
        if scope.method == "OPTIONS":
            protocol.response_empty(204, [*headers])
            return
        try:
            response = await self._respond(scope, protocol)
        except MatrixError as error:
            response = Response(error.status, json_bytes(error.body()), (*JSON_HEADERS, *error.headers))
            if _may_be_unread(scope):
                # The server underneath ends a connection whose body nobody read; a client that is not told
                # sends its next request into it.
                headers = (*headers, ("connection", "close"))
        except asyncio.CancelledError:
            raise
        except ClientGone:
            protocol.response_empty(GONE, [])
            return
        except Damaged as damage:
            with suppress(Damaged):
                self.service.node.suspect(damage)
            response = Response(
                500, json_bytes({"errcode": "M_UNKNOWN", "error": "The server's disk is damaged. Try again."})
            )
        except Exception:
            # A defect of ours. The client gets an errcode it can show; the log gets the rest.
            logger.exception("%s %s failed", scope.method, scope.path)
            response = Response(
                500, json_bytes({"errcode": "M_UNKNOWN", "error": "The server made a mistake. Try again."})
            )
        send(protocol, response, headers)

    def _address(self, scope: Scope) -> str:
        peer = scope.client.rpartition(":")[0].strip("[]")
        trusted = self.service.node.config.trusted_proxies
        if not trusted:
            return peer
        return client_address(peer, scope.headers.get_all("x-forwarded-for"), trusted)

    async def _respond(self, scope: Scope, protocol: Any) -> Response:
        if len(scope.path) > limits.PATH_CHARACTERS_MAX:
            raise MatrixError(414, "M_UNRECOGNIZED", "The address is too long.")
        method = "GET" if scope.method == "HEAD" else scope.method
        request = Request(
            method,
            scope.path,
            {},
            scope.query_string,
            Headers(scope.headers.get),
            self._address(scope),
            b"",
        )
        file = self.files.find(request)
        if file is not None:
            self.counts["static", file.status] += 1
            return file
        if self.service.withdrawal:
            raise MatrixError(503, ERRCODE, self.service.withdrawal.english)
        route, request.path_parameters = self.router.find(method, scope.path)
        status = GONE
        try:
            response = await self._answer(route, request, scope, protocol)
            status = response.status
            return response
        except MatrixError as error:
            status = error.status
            raise
        except ClientGone:
            # No fault of this node's: one that counted it would leave service whenever it is slow.
            raise
        except Exception:
            status = 500
            who = request.address if request.requester is None else request.requester.user_id
            self.failed.append((self.service.node.clock.monotonic(), who))
            raise
        finally:
            self.counts[route.handler.__module__.rpartition(".")[2], status] += 1

    async def _answer(self, route: Route, request: Request, scope: Scope, protocol: Any) -> Response:
        if route.auth == "token" or (route.auth == "optional" and token_of(request) is not None):
            request.requester = await self._requester(request)
        if route.streams:
            bytes_max = self.service.node.config.upload_bytes_max
            length = check_length(scope, bytes_max)
            request.chunks = stream_body(protocol, bytes_max, length)
        elif request.method != "GET":
            request.body = await _body_of_who_waits(scope, protocol, route)
        before = self.service.node.applied_vector
        try:
            return await route.handler(self.service, request)
        except MatrixError as error:
            # What is unknown here may have been made at another site a moment ago.
            may_be_elsewhere = error.status in (403, 404) and not route.streams
            if not may_be_elsewhere or not await self.service.peers.elsewhere.catch_up(before):
                raise
        return await route.handler(self.service, request)

    async def _requester(self, request: Request) -> Requester:
        node, peers = self.service.node, self.service.peers
        if token_of(request) is None:
            found = requester(node, request)
        else:
            found = await certain(self.service, partial(requester, node, request))
        if found.first is not None:
            await used(node, found.first)
        await peers.met(found.user_id, found.device_id)
        return found


async def _body_of_who_waits(scope: Scope, protocol: Any, route: Route) -> bytes:
    """The body of a request.

    Raises:
        ClientGone: under overload the request may have waited here for seconds, and its client has sent it to
            another site. Done here, too, one of the two would vanish (docs/decisions/twins.md).
    """
    gone = protocol.client_disconnect()
    try:
        body = await read_body(scope, protocol, route.body_bytes_max)
        if gone.done():
            raise ClientGone
        return body
    finally:
        gone.cancel()


def client_address(peer: str, forwarded: Sequence[str], trusted: Networks) -> str:
    """Who asks: the peer, or where it is a trusted proxy, the last hop it names that is none.

    A hop further left may be anything the client wrote; one that is no address ends the search.
    """
    hops = ",".join(forwarded).split(",") if forwarded else []
    address = _parsed(peer)
    while address is not None and hops and any(address in network for network in trusted):
        hop = _parsed(hops.pop().strip())
        if hop is None:
            break
        address = hop
    return peer if address is None else str(address)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return None
    # An IPv4 client of a socket that listens for both.
    return getattr(address, "ipv4_mapped", None) or address


def send(protocol: Any, response: Response, headers: Sequence[tuple[str, str]]) -> None:
    """Hand an answer to the server; the answer's own headers come first and win."""
    if response.headers is JSON_HEADERS and headers is _HEADERS_WITH_CORS:
        protocol.response_bytes(response.status, _JSON_WITH_CORS, response.body)
        return
    own = {name for name, _ in response.headers}
    merged = [*response.headers, *(pair for pair in headers if pair[0] not in own)]
    if response.file is not None and response.file_range is not None:
        protocol.response_file_range(response.status, merged, response.file, *response.file_range)
    elif response.file is not None:
        protocol.response_file(response.status, merged, response.file)
    else:
        protocol.response_bytes(response.status, merged, response.body)


async def read_body(scope: Scope, protocol: Any, bytes_max: int) -> bytes:
    """The whole body, refused before it is read if it says it is too long, cut off if it is.

    Raises:
        MatrixError: 413 M_TOO_LARGE; 408 for a body that comes too slowly.
    """
    length = check_length(scope, bytes_max)
    if length == 0:
        return b""
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.BODY_SECONDS_MAX):
            if length is not None and length <= limits.BODY_AT_ONCE_BYTES_MAX:
                # One wait instead of two: a third of what it costs to read what most requests bring.
                return await _at_once(protocol, length)
            async for chunk in protocol:
                size += len(chunk)
                if size > bytes_max:
                    raise _too_long(bytes_max)
                chunks.append(bytes(chunk))
    except TimeoutError:
        raise _too_slow() from None
    _check_whole(size, length)
    return b"".join(chunks)


async def _at_once(protocol: Any, length: int) -> bytes:
    try:
        return bytes(await protocol())
    except ProtocolClosed:
        _check_whole(0, length)
        raise


def check_length(scope: Scope, bytes_max: int) -> int | None:
    """The length a body says it has, None if it does not; refused before any of it is read if too long.

    Raises:
        MatrixError: 413 M_TOO_LARGE.
    """
    text = scope.headers.get("content-length")
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    length = int(text[:20])
    if length > bytes_max:
        raise _too_long(bytes_max)
    return length


def _may_be_unread(scope: Scope) -> bool:
    """Whether a body came that is too long to be passed over once its request is refused."""
    length = scope.headers.get("content-length")
    if length is None:
        return scope.headers.get("transfer-encoding") is not None
    return not length.isdigit() or len(length) > 9 or int(length) > limits.BODY_PASSED_OVER_BYTES_MAX


def _check_whole(size: int, length: int | None) -> None:
    """A connection that ends in the middle looks like the end of a body: half a file is no file."""
    if length is not None and size != length:
        raise not_json("The body ended before its length. Send it again.")


async def stream_body(protocol: Any, bytes_max: int, length: int | None) -> AsyncIterator[bytes]:
    """The body as it comes, never whole in memory.

    Raises:
        MatrixError: 413 M_TOO_LARGE; 408 for a body that comes too slowly.
    """
    size = 0
    chunks = aiter(protocol)
    deadline = asyncio.get_running_loop().time() + limits.UPLOAD_S_MAX
    while True:
        try:
            async with asyncio.timeout_at(
                min(deadline, asyncio.get_running_loop().time() + limits.UPLOAD_IDLE_S_MAX)
            ):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            _check_whole(size, length)
            return
        except TimeoutError:
            raise _too_slow() from None
        size += len(chunk)
        if size > bytes_max:
            raise _too_long(bytes_max)
        yield bytes(chunk)


def _too_long(bytes_max: int) -> MatrixError:
    return too_large(f"The body is larger than {bytes_max} bytes. Send less.")


def _too_slow() -> MatrixError:
    return MatrixError(408, "M_UNKNOWN", "The body came too slowly. Try again on a better link.")
