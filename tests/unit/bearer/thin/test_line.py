"""A thin link as it runs: modems by TCP and on a serial line, and messages between two nodes over them."""

import asyncio
import os
import pty
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bongsu.bearer import call
from bongsu.bearer.call import Tell
from bongsu.bearer.link import ChannelClosed
from bongsu.bearer.message import Done, Give, Offer, Stored, Want, encode
from bongsu.bearer.thin import kiss
from bongsu.bearer.thin.line import Line, ThinChannel
from bongsu.bearer.thin.modem import Modem, ModemGone, dial, open_serial
from bongsu.bearer.thin.talk import Wired
from bongsu.lab.air import LabAir
from bongsu.log.key import NodeKey
from bongsu.log.record import Lane, LogName
from bongsu.log.vector import Vector
from bongsu.thin_setting import parse_thin_links
from tests.helpers.thin_chat import Chat

SERVICE = "talk.example.kr"
END = Stored(3, 7, ())


@pytest.fixture
async def lines() -> AsyncIterator[tuple[Line, Line]]:
    """Two nodes at a channel that loses a fifth of the frames."""
    server = await asyncio.start_server(LabAir(400_000, 0.2).station, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    (setting,) = parse_thin_links(
        f"kiss+tcp://127.0.0.1:{port}?bits_per_second=400000&bytes_per_minute=3000000"
    )
    keys = [NodeKey.generate(), NodeKey.generate()]
    known = {key.node: key.public for key in keys}
    made = [Line(setting, key, SERVICE, known.get, Vector.empty) for key in keys]
    running = [asyncio.ensure_future(line.run()) for line in made]
    async with asyncio.timeout(60):
        for line in made:
            await line.told.wait()
    yield made[0], made[1]
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    server.close()


async def received(channel: ThinChannel) -> bytes:
    async with asyncio.timeout(60):
        return await channel.receive()


async def test_messages_of_the_exchange_come_through(lines: tuple[Line, Line]) -> None:
    here, there = lines[0].open(), lines[1].open()
    chat = Chat()
    log = LogName(b"n" * 16, 7, Lane.TEXT)
    vector = Vector.of([(log, 1, 12)])
    said = [
        Want(1, 4_096, frozenset({Lane.TEXT}), vector),
        Give(1, chat.bundle([chat.text() for _ in range(30)])),
        END,
    ]
    for message in said:
        await here.send(encode(message))
    assert [await received(there) for _ in said] == [encode(each) for each in said]
    await there.send(encode(Stored(1, 10, ((log, 3),))))
    assert await received(here) == encode(Stored(1, 10, ((log, 3),)))
    assert lines[0].reached
    assert lines[1].station.heard_bytes > 1_000


async def test_an_offer_nobody_knows_is_said_in_full(lines: tuple[Line, Line]) -> None:
    here, there = lines[0].open(), lines[1].open()
    offer = Offer(Vector.of([(LogName(b"n" * 16, 7, Lane.TEXT), 1, 12)]), 0, False)
    await here.send(encode(offer))
    assert await received(there) == encode(offer)


async def test_an_offer_waits_for_the_other_ends_link(lines: tuple[Line, Line]) -> None:
    offer = Offer(Vector.empty(), 0, False)
    lines[1].told.clear()
    await lines[0].open().send(encode(offer))
    lines[0].say(Wired(True))
    async with asyncio.timeout(60):
        await lines[1].told.wait()
    assert await received(lines[1].open()) == encode(offer)


async def test_questions_between_nodes_and_needless_words_are_not_for_radio(lines: tuple[Line, Line]) -> None:
    here, there = lines[0].open(), lines[1].open()
    await here.send(call.encode(Tell("typing", b"x" * 900)))
    await here.send(encode(Done(9)))
    await here.send(encode(END))
    assert await received(there) == encode(END)


async def test_noise_on_the_channel_is_passed_over(lines: tuple[Line, Line]) -> None:
    chance = random.Random(3)
    _, noise = await asyncio.open_connection(lines[0].link.host, lines[0].link.port)
    here, there = lines[0].open(), lines[1].open()
    chat = Chat()
    for number in range(4):
        noise.write(chance.randbytes(chance.randrange(400)))
        noise.write(kiss.encode(bytes((number % 8 | chance.randrange(8) << 3,)) + chance.randbytes(80)))
        give = encode(Give(1, chat.bundle([chat.text()])))
        await here.send(give)
        assert await received(there) == give
    noise.close()
    assert [line.sessions for line in lines] == [1, 1]


async def test_a_channel_ends_when_another_begins(lines: tuple[Line, Line]) -> None:
    first = lines[0].open()
    lines[0].open()
    with pytest.raises(ChannelClosed):
        await first.receive()
    with pytest.raises(ChannelClosed):
        await first.send(encode(Done(1)))


async def test_no_modem_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModemGone, match="No modem answers"):
        await dial("127.0.0.1", 1)
    with pytest.raises(ModemGone, match="cannot be opened"):
        await open_serial(tmp_path / "none", 9_600)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModemGone, match="no serial line"):
        await open_serial(tmp_path / "file", 9_600)


async def test_a_modem_on_a_serial_line() -> None:
    master, slave = pty.openpty()
    modem = await open_serial(Path(os.ttyname(slave)), 9_600)
    try:
        frame = bytes(range(256))
        os.write(master, b"\x00noise" + kiss.encode(frame))
        assert await _frames(modem) == [frame]
        modem.send(frame)
        found = b""
        while len(found) < len(kiss.encode(frame)):
            found += await asyncio.to_thread(os.read, master, 1_024)
        assert found == kiss.encode(frame)
    finally:
        modem.close()
        await asyncio.sleep(0)
        os.close(master)
        os.close(slave)


async def _frames(modem: Modem) -> list[bytes]:
    async with asyncio.timeout(30):
        while not (found := await modem.receive()):
            pass
    return found
