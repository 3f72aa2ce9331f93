"""The HTTPS bearer: a link is one WebSocket, so that it passes wherever the web does. DESIGN 6, 7."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from granian.rsgi import WebsocketMessageType
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from bongsu import limits
from bongsu.bearer.link import Channel, ChannelClosed

logger = logging.getLogger(__name__)

PATH = "/_bongsu/node/v1/link"


class _Dialled:
    """The channel of the side that called."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, raw: bytes) -> None:
        try:
            await self._connection.send(raw)
        except WebSocketException as error:
            raise ChannelClosed from error

    async def receive(self) -> bytes:
        try:
            message = await self._connection.recv()
        except WebSocketException as error:
            raise ChannelClosed from error
        if not isinstance(message, bytes):
            raise ChannelClosed("the peer speaks text")
        return message

    async def close(self) -> None:
        await self._connection.close()


class _Accepted:
    """The channel of the side that was called."""

    def __init__(self, transport: Any, protocol: Any) -> None:
        self._transport = transport
        self._protocol = protocol
        self._closed = asyncio.Event()

    async def send(self, raw: bytes) -> None:
        if self._closed.is_set():
            raise ChannelClosed
        try:
            await self._transport.send_bytes(raw)
        except Exception as error:  # the server underneath has a type of its own for each way to fail
            raise ChannelClosed from error

    async def receive(self) -> bytes:
        try:
            message = await self._transport.receive()
        except Exception as error:
            raise ChannelClosed from error
        if (
            message.kind != WebsocketMessageType.bytes
            or len(message.data) > limits.EXCHANGE_MESSAGE_BYTES_MAX
        ):
            raise ChannelClosed
        return bytes(message.data)

    async def close(self) -> None:
        if not self._closed.is_set():
            self._closed.set()
            self._protocol.close()


@cache
def _machines_trust() -> ssl.SSLContext:
    return ssl.create_default_context()


async def dial(base_url: str, context: ssl.SSLContext | None) -> Channel:
    """Call the node whose listener for nodes is at `base_url`.

    `context`: the service's own authority and this node's certificate; None: what the machine trusts.
    Raises:
        ChannelClosed: it does not answer, or not as it should; the sentence says why.
    """
    if base_url.startswith("https://"):
        context = context or _machines_trust()
    elif context is not None:
        raise ChannelClosed("the address begins with http://, but peer_tls asks for encrypted links")
    address = base_url.replace("http", "ws", 1) + PATH
    try:
        connection = await connect(
            address,
            ssl=context,
            compression=None,
            max_size=limits.EXCHANGE_MESSAGE_BYTES_MAX,
            open_timeout=limits.LINK_BEGIN_S,
            close_timeout=1,
            # The beats of the link say sooner whether the peer is there.
            ping_interval=None,
            user_agent_header=None,
            proxy=None,
        )
    except (OSError, TimeoutError, WebSocketException, EOFError) as error:
        raise ChannelClosed(str(error)) from error
    return _Dialled(connection)


class LinkApp:
    """The RSGI application of the listener for nodes: links, and nothing else."""

    def __init__(self, accepted: Callable[[Channel], Awaitable[object]]) -> None:
        self._accepted = accepted

    async def __call__(self, scope: Any, protocol: Any) -> None:
        """Serve one connection until its link ends."""
        if scope.proto != "ws" or scope.path != PATH:
            if scope.proto == "ws":
                protocol.close(404)
            else:
                protocol.response_empty(404, [])
            return
        transport = await protocol.accept()
        channel = _Accepted(transport, protocol)
        try:
            await self._accepted(channel)
        finally:
            await channel.close()
