"""A KISS modem by TCP or on a serial line: frames out and in. It decides nothing."""

import asyncio
import os
import termios
import tty
from contextlib import suppress
from pathlib import Path

from bongsu.bearer.thin import kiss

BYTES_AT_ONCE = 4_096


class ModemGone(Exception):
    """There is no modem, or it is there no more. The sentence says which."""


class Modem:
    """What `dial` and `open_serial` give."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._decoder = kiss.Decoder()

    def send(self, frame: bytes) -> None:
        """Give the modem a frame. What it cannot take any more is lost, as on the air."""
        self._writer.write(kiss.encode(frame))

    async def receive(self) -> list[bytes]:
        """The next frames that it heard.

        Raises:
            ModemGone: it is there no more.
        """
        try:
            raw = await self._reader.read(BYTES_AT_ONCE)
        except OSError as error:
            raise ModemGone(f"The modem is gone: {error}.") from error
        if not raw:
            raise ModemGone("The modem closed the connection.")
        return self._decoder.feed(raw)

    def close(self) -> None:
        """Let go of it."""
        self._writer.close()


async def dial(host: str, port: int) -> Modem:
    """A modem, or a program that is one, at a TCP port.

    Raises:
        ModemGone: nothing answers there.
    """
    try:
        return Modem(*await asyncio.open_connection(host, port))
    except OSError as error:
        raise ModemGone(f"No modem answers at {host}:{port}: {error}.") from error


async def open_serial(device: Path, baud: int) -> Modem:
    """A modem at a serial line.

    Raises:
        ModemGone: there is none, or this user may not use it.
    """
    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise ModemGone(f"{baud} is no speed of serial lines here. Give another baud.")
    try:
        line = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        raise ModemGone(f"{device} cannot be opened: {error.strerror}.") from error
    try:
        tty.setraw(line)
        settings = termios.tcgetattr(line)
        settings[2] |= termios.CLOCAL | termios.CREAD
        settings[4] = settings[5] = speed
        termios.tcsetattr(line, termios.TCSANOW, settings)
        return await _streams(line)
    except (OSError, termios.error) as error:
        with suppress(OSError):
            os.close(line)
        raise ModemGone(f"{device} is no serial line: {error}.") from error


async def _streams(line: int) -> Modem:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    # Each end of the line has a file of its own, which its transport closes.
    await loop.connect_read_pipe(lambda: protocol, os.fdopen(os.dup(line), "rb", buffering=0))
    transport, _ = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(line, "wb", buffering=0)
    )
    return Modem(reader, asyncio.StreamWriter(transport, protocol, reader, loop))
