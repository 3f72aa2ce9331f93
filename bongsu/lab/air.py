"""Radio of the laboratory: a half-duplex channel whose stations are TCP connections that speak KISS.

Started as a process of its own, with a file that says how; ending it cuts the channel.
"""

import asyncio
import json
import random
import sys
from pathlib import Path

from bongsu.bearer.thin import kiss

BYTES_AT_ONCE = 4_096
LEAD_S = 0.02  # keying and preamble of each frame


class LabAir:
    """Who wants to send waits until nobody does, as modems with carrier sense do; all the others hear it."""

    def __init__(self, bits_per_second: int, loss: float, seed: int = 1) -> None:
        self._bits_per_second, self._loss = bits_per_second, loss
        self._chance = random.Random(seed)  # noqa: S311 - a laboratory's chance is to be repeatable
        self._free = asyncio.Lock()
        self._stations: set[asyncio.StreamWriter] = set()

    async def station(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        waiting: asyncio.Queue[bytes] = asyncio.Queue()
        sending = asyncio.ensure_future(self._send(waiting, writer))
        self._stations.add(writer)
        decoder = kiss.Decoder()
        try:
            while raw := await reader.read(BYTES_AT_ONCE):
                for frame in decoder.feed(raw):
                    waiting.put_nowait(frame)
        except OSError:
            pass
        finally:
            self._stations.discard(writer)
            sending.cancel()
            writer.close()

    async def _send(self, waiting: "asyncio.Queue[bytes]", writer: asyncio.StreamWriter) -> None:
        while True:
            frame = await waiting.get()
            async with self._free:
                await self._transmit(frame, writer)
                # What a modem holds goes in one transmission.
                while not waiting.empty():
                    await self._transmit(waiting.get_nowait(), writer)

    async def _transmit(self, frame: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(LEAD_S + 8 * len(frame) / self._bits_per_second)
        for other in self._stations - {writer}:
            if self._chance.random() >= self._loss:
                other.write(kiss.encode(frame))


async def serve(listen: str, bits_per_second: int, loss: float) -> None:
    """A channel with its modems at `listen`, HOST:PORT, until cancelled."""
    host, _, port = listen.rpartition(":")
    server = await asyncio.start_server(LabAir(bits_per_second, loss).station, host, int(port))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    named = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    asyncio.run(serve(named["listen"], named["bits_per_second"], named["loss"]))
