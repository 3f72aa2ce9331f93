"""A link of the laboratory that can be cut: passes bytes between two addresses while it runs.

Started as a process of its own, with a file that names both; ending it cuts the link.
"""

import asyncio
import json
import sys
from pathlib import Path

BYTES_AT_ONCE = 65_536


async def relay(listen: str, target: str) -> None:
    """Accept at `listen` and pass on to `target`, both HOST:PORT, until cancelled."""

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection(*_address(target))
        except OSError:
            writer.close()
            return
        passing = [
            asyncio.ensure_future(each) for each in (_pass(reader, there_writer), _pass(there_reader, writer))
        ]
        await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        for each in passing:
            each.cancel()
        for end in (writer, there_writer):
            end.close()

    server = await asyncio.start_server(met, *_address(listen))
    async with server:
        await server.serve_forever()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(BYTES_AT_ONCE):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        return


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    named = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    asyncio.run(relay(named["listen"], named["target"]))
