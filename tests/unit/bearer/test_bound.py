"""Links that nobody vouches for: encrypted by a node's own certificate, which the signed hellos name."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bongsu import serve
from bongsu.bearer.websocket import bound, dial, machines_trust
from bongsu.config import Config
from bongsu.hub.neighbours import Neighbours
from bongsu.hub.tls import prepare
from bongsu.lab import certificates
from tests.helpers.linked import eventually, several

REFUSED = "does not name the certificate by which this link is encrypted"


class Between:
    """Somebody on the network who ends TLS by a certificate of his own, and passes on what is said.

    `context`: how he calls the node that he stands before.
    """

    def __init__(self, target: str, folder: Path, context: ssl.SSLContext | None) -> None:
        self._target, self._context = target, context
        prepare(folder, "bongsu")
        self._own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._own.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        self.read = b""
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0, ssl=self._own)
        return f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def end(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self._target.rpartition(":")
        theirs, to_them = await asyncio.open_connection(host, int(port), ssl=self._context)
        self._writers += [writer, to_them]
        await asyncio.gather(self._pass_on(reader, to_them), self._pass_on(theirs, writer))

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while raw := await source.read(65_536):
                self.read += raw
                sink.write(raw)
                await sink.drain()
        sink.close()


async def test_a_node_without_an_authority_is_linked_in_cipher(tmp_path: Path) -> None:
    async with several(Config(data=tmp_path / "one"), Config(data=tmp_path / "two")) as (one, other):
        one.peers.call(f"https://{other.address}", bound())
        await eventually(lambda: one.peers.links and other.peers.links)


async def test_an_address_for_which_nobody_vouches_is_linked_all_the_same(tmp_path: Path) -> None:
    """As `peers = ["https://10.0.0.9:8449"]` has it."""
    async with several(Config(data=tmp_path / "one"), Config(data=tmp_path / "two")) as (one, other):
        one.peers.start([f"https://{other.address}"], machines_trust())
        await eventually(lambda: one.peers.links and other.peers.links)


async def test_nodes_with_an_authority_are_linked_by_it(tmp_path: Path) -> None:
    issuer = certificates.make_authority(tmp_path / "ca")
    certificates.issue(issuer, tmp_path / "tls", "node", "127.0.0.1")
    one_config = Config(data=tmp_path / "one", peer_tls=tmp_path / "tls")
    async with several(one_config, replace(one_config, data=tmp_path / "two")) as (one, other):
        one.peers.call(f"https://{other.address}", serve._peer_context(one_config))
        await eventually(lambda: one.peers.links and other.peers.links)


async def test_neighbours_on_a_lan_are_linked_in_cipher(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two with certificates of their own, one with an authority's, and one that announces plain text."""
    issuer = certificates.make_authority(tmp_path / "ca")
    certificates.issue(issuer, tmp_path / "tls", "node", "127.0.0.1")
    known = Config(data=tmp_path / "known", peer_tls=tmp_path / "tls")
    plain = Config(data=tmp_path / "plain", peer_plain=True)
    async with several(Config(data=tmp_path / "one"), Config(data=tmp_path / "two"), known, plain) as hubs:
        neighbours = [
            Neighbours(each.node, each.peers, serve._peer_context(each.node.config)) for each in hubs
        ]
        one, last = hubs[0], hubs[-1].node.log.key.node
        try:
            await asyncio.gather(*(each.start(["127.0.0.1"]) for each in neighbours))
            # Whoever announces plain text is not called by others. Of this release, it calls them.
            await eventually(lambda: len(one.peers.links) == 3)
            await eventually(lambda: all(each.peers.plain == {last} for each in hubs[:-1]))
            assert caplog.text.count("takes links in plain text alone, and is not called") == 3
            await neighbours.pop().close()
            await eventually(lambda: not one.peers.plain)
        finally:
            for each in neighbours:
                await each.close()


async def test_plain_text_is_spoken_where_the_setting_says_so(tmp_path: Path) -> None:
    plain = Config(data=tmp_path / "one", peer_plain=True)
    async with several(plain, replace(plain, data=tmp_path / "two")) as (one, other):
        one.peers.call(f"http://{other.address}", None)
        await eventually(lambda: one.peers.links and other.peers.links)


@pytest.mark.parametrize("plain", [False, True], ids=["a node of this release", "one of plain text"])
async def test_who_stands_between_two_nodes_is_refused(
    plain: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    called = Config(data=tmp_path / "two", peer_plain=plain)
    async with several(Config(data=tmp_path / "one"), called) as (one, other):
        between = Between(other.address, tmp_path / "between", None if plain else bound())
        try:
            one.peers.call(await between.start(), bound())
            # By each end for itself, but for one that knows of no certificate, which gets no proof.
            await eventually(lambda: caplog.text.count(REFUSED) >= (1 if plain else 2))
            assert not one.peers.links
            assert not other.peers.links
            assert b'"service":"' in between.read, "the hello that he passed on"
        finally:
            await between.end()


async def test_a_caller_that_names_no_certificate_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever it called, it was not this node: or it would know by what the link is encrypted."""
    async with several(Config(data=tmp_path / "one"), Config(data=tmp_path / "two")) as (one, other):
        channel = await dial(f"https://{other.address}", bound())
        channel.end_point = b""
        serving = asyncio.ensure_future(one.peers.serve(channel, called=True))
        await eventually(lambda: REFUSED in caplog.text)
        await channel.close()
        assert await serving is None
        assert not other.peers.links
