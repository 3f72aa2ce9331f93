"""Neighbours on a LAN: what is announced, what is read of others, and two nodes that find each other."""

import asyncio
from pathlib import Path

import pytest

from bongsu.clock import SystemClock
from bongsu.config import Config
from bongsu.hub.announcement import Announcement, service_of, url_of
from bongsu.hub.neighbours import Neighbours
from bongsu.node import Node
from bongsu.peers import Peers

OWN = Announcement(service_of("talk.example.kr"), "a" * 32, encrypted=True)
OTHER = {b"v": b"1", b"service": OWN.service.encode(), b"node": b"b" * 32, b"scheme": b"https"}


def test_a_neighbour_of_the_service_is_called_at_a_near_address() -> None:
    assert url_of(OWN, OTHER, ["192.168.4.1"], 8449) == "https://192.168.4.1:8449"
    assert url_of(OWN, OTHER, ["fd00::1", "10.0.0.7"], 8449) == "https://10.0.0.7:8449"
    assert url_of(OWN, OTHER, ["fd00::1"], 8449) == "https://[fd00::1]:8449"
    announced = {name.encode(): value.encode() for name, value in OWN.properties.items()}
    assert (
        url_of(Announcement(OWN.service, "b" * 32, True), announced, ["10.0.0.1"], 1) == "https://10.0.0.1:1"
    )


@pytest.mark.parametrize(
    ("change", "addresses", "port"),
    [
        ({b"node": b"a" * 32}, ["10.0.0.1"], 1),
        ({b"node": b"b"}, ["10.0.0.1"], 1),
        ({b"node": None}, ["10.0.0.1"], 1),
        ({b"service": b"x"}, ["10.0.0.1"], 1),
        ({b"v": b"2"}, ["10.0.0.1"], 1),
        ({b"scheme": b"http"}, ["10.0.0.1"], 1),
        ({}, ["203.0.113.200", "8.8.8.8"][1:], 1),
        ({}, ["not an address", "fe80::1"], 1),
        ({}, [], 1),
        ({}, ["10.0.0.1"], None),
        ({}, ["10.0.0.1"], 0),
    ],
)
def test_whoever_cannot_be_called_is_passed_over(
    change: dict[bytes, bytes | None], addresses: list[str], port: int | None
) -> None:
    assert url_of(OWN, {**OTHER, **change}, addresses, port) is None


async def test_two_nodes_find_each_other(tmp_path: Path) -> None:
    called: dict[str, asyncio.Future[str]] = {}
    ports = {"one": 18_449, "two": 18_450}
    nodes, found = [], []
    for name, port in ports.items():
        config = Config(data=tmp_path / name, peer_listen=f"127.0.0.1:{port}", server_name="town.example")
        node = Node.open(config, SystemClock(), lambda done, total: None)
        peers = Peers(node)
        heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        called[name] = heard

        def call(url: str, context: object, heard: "asyncio.Future[str]" = heard) -> "asyncio.Task[None]":
            if not heard.done():
                heard.set_result(url)
            return asyncio.ensure_future(asyncio.sleep(0))

        peers.call = call  # type: ignore[method-assign, assignment]
        neighbours = Neighbours(node, peers, None)
        nodes.append(node)
        found.append(neighbours)
        await neighbours.start(["127.0.0.1"])
    try:
        async with asyncio.timeout(20):
            assert await called["one"] == "http://127.0.0.1:18450"
            assert await called["two"] == "http://127.0.0.1:18449"
    finally:
        for neighbours in found:
            await neighbours.close()
        for node in nodes:
            node.close()
