"""A link of the laboratory that can be cut: passes bytes between two addresses while it runs.

Started as a process of its own, with a file that names both; ending it cuts the link. It may be slow.
"""

import asyncio
import json
import socket
import sys
from pathlib import Path

BYTES_AT_ONCE = 65_536
STEPS_A_SECOND = 20
# Of what a slow wire has taken, this machine holds little: else all would seem sent at once.
RECEIVE_BYTES = 4_096


async def relay(listen: str, target: str, bits_per_second: int = 0) -> None:
    """Accept at `listen` and pass on to `target`, both HOST:PORT, until cancelled.

    `bits_per_second`: as fast as the wire is, each way; 0: as the machine is.
    """
    at_once = max(16, bits_per_second // 8 // STEPS_A_SECOND) if bits_per_second else BYTES_AT_ONCE
    limit = 2 * at_once

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _pass(reader, writer, at_once, bits_per_second)

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection(*_address(target), limit=limit)
        except OSError:
            writer.close()
            return
        passing = [
            asyncio.ensure_future(each)
            for each in (pass_on(reader, there_writer), pass_on(there_reader, writer))
        ]
        await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        for each in passing:
            each.cancel()
        for end in (writer, there_writer):
            end.close()

    if bits_per_second:
        listening = socket.create_server(_address(listen))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        server = await asyncio.start_server(met, sock=listening, limit=limit)
    else:
        server = await asyncio.start_server(met, *_address(listen))
    async with server:
        await server.serve_forever()


async def _pass(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, at_once: int, bits_per_second: int
) -> None:
    try:
        while chunk := await reader.read(at_once):
            writer.write(chunk)
            await writer.drain()
            if bits_per_second:
                await asyncio.sleep(8 * len(chunk) / bits_per_second)
    except OSError:
        return


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    named = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    asyncio.run(relay(named["listen"], named["target"], named.get("bits_per_second", 0)))
