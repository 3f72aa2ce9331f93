"""The HTTPS bearer: a link is one WebSocket, so that it passes wherever the web does. DESIGN 6, 7."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from functools import cache
from hashlib import sha256
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

    def __init__(self, connection: ClientConnection, end_point: bytes) -> None:
        self._connection = connection
        self.end_point = end_point

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

    def __init__(self, transport: Any, protocol: Any, end_point: bytes) -> None:
        self.end_point = end_point
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
def machines_trust() -> ssl.SSLContext:
    """How to call by what this machine trusts, and whom nobody vouches for by a hello that is bound."""
    return ssl.create_default_context()


@cache
def bound() -> ssl.SSLContext:
    """How to call a node whose certificate is its own: the hello, which its key signs, has to name it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def end_point(certificate: bytes) -> bytes:
    """How both ends name a certificate (DER): `tls-server-end-point`. RFC 5929, 4.1."""
    return sha256(certificate).digest()


async def dial(base_url: str, context: ssl.SSLContext | None) -> Channel:
    """Call the node whose listener for nodes is at `base_url`.

    `context`: the service's own authority and this node's certificate, what the machine trusts, or `bound`;
    None: what the machine trusts, and plain text where the address says so.
    Raises:
        ChannelClosed: it does not answer, or not as it should; the sentence says why.
    """
    if base_url.startswith("http://"):
        if context is not None:
            raise ChannelClosed(
                "the address begins with http://, but links are encrypted: say https://, or in a laboratory "
                "the setting peer_plain"
            )
        return _Dialled(await _open(base_url, None), b"")
    context = context or machines_trust()
    try:
        connection = await _open(base_url, context)
    except ssl.SSLCertVerificationError as error:
        if context is not machines_trust():
            raise ChannelClosed(str(error)) from error
        logger.info(
            "nobody vouches for %s (%s): the hello of its node has to", base_url, error.verify_message
        )
        context = bound()
        connection = await _open(base_url, context)
    if context is not bound():
        return _Dialled(connection, b"")
    certificate = connection.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return _Dialled(connection, end_point(certificate))


async def _open(base_url: str, context: ssl.SSLContext | None) -> ClientConnection:
    """Connect.

    Raises:
        ssl.SSLCertVerificationError: nobody whom `context` trusts vouches for who answers.
        ChannelClosed: nobody answers, or not as they should.
    """
    try:
        return await connect(
            base_url.replace("http", "ws", 1) + PATH,
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
    except ssl.SSLCertVerificationError:
        raise
    except (OSError, TimeoutError, WebSocketException, EOFError) as error:
        raise ChannelClosed(str(error)) from error


class LinkApp:
    """The RSGI application of the listener for nodes: links, and nothing else.

    `end_point`: of its certificate, where that is the node's own.
    """

    def __init__(self, accepted: Callable[[Channel], Awaitable[object]], end_point: bytes) -> None:
        self._accepted = accepted
        self._end_point = end_point

    async def __call__(self, scope: Any, protocol: Any) -> None:
        """Serve one connection until its link ends."""
        if scope.proto != "ws" or scope.path != PATH:
            if scope.proto == "ws":
                protocol.close(404)
            else:
                protocol.response_empty(404, [])
            return
        transport = await protocol.accept()
        channel = _Accepted(transport, protocol, self._end_point)
        try:
            await self._accepted(channel)
        finally:
            await channel.close()
