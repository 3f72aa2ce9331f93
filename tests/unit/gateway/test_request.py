"""Who hangs holds up nobody else: name servers that say nothing, and gateways that do not answer."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from bongsu import limits
from bongsu.gateway.addresses import AddressRefused, Resolver
from bongsu.gateway.request import Requests


async def test_a_gateway_that_hangs_holds_up_no_other() -> None:
    hung: list[asyncio.StreamWriter] = []
    at_most, all_there = limits.REQUESTS_OUT_PER_ADDRESS_MAX, asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hung.append(writer)
        if len(hung) == at_most:
            all_there.set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        writer.close()

    servers = [await asyncio.start_server(each, "127.0.0.1", 0) for each in (hang, answer)]
    bad, good = (f"http://127.0.0.1:{each.sockets[0].getsockname()[1]}/" for each in servers)
    requests = Requests(allow_private=True, timeout_s=60)
    waiting = [
        asyncio.ensure_future(requests.send("GET", bad, 10)) for _ in range(limits.REQUESTS_OUT_MAX + 1)
    ]
    await all_there.wait()
    assert await requests.send("GET", good, 10) == (200, b"ok")
    assert len(hung) == at_most
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await requests.close()
    for writer in hung:
        writer.close()
    for server in servers:
        server.close()


async def test_name_servers_that_say_nothing_hold_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    ask, released = socket.getaddrinfo, threading.Event()

    def getaddrinfo(host: str, *arguments: Any, **named: Any) -> Any:
        if host.startswith("silent"):
            released.wait()
            raise OSError
        return ask(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    resolver = Resolver(allow_private=True)
    silent = [
        asyncio.ensure_future(resolver.resolve(f"https://silent{number}.example/"))
        for number in range(limits.LOOKUPS_AT_ONCE_MAX - 1)
    ]
    same = [asyncio.ensure_future(resolver.resolve("https://silent0.example/")) for _ in range(100)]
    await asyncio.sleep(0)
    assert (await resolver.resolve("https://127.0.0.1/")).host == "127.0.0.1"
    silent.append(asyncio.ensure_future(resolver.resolve("https://silent.example/")))
    await asyncio.sleep(0)
    with pytest.raises(AddressRefused, match="too many"):
        await resolver.resolve("https://127.0.0.1/")
    # Nor do other threads' work, nor the end of the program.
    assert await asyncio.to_thread(lambda: 1) == 1
    assert all(each.daemon for each in threading.enumerate() if "look_up" in each.name)
    released.set()
    for found in await asyncio.gather(*silent, *same, return_exceptions=True):
        assert isinstance(found, AddressRefused)
