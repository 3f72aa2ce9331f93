"""Neighbours on a LAN: what is announced, and what is read of others."""

import pytest

from bongsu.hub.announcement import AUTHORITY, BOUND, PLAIN, Announcement, Found, found, service_of

OWN = Announcement(service_of("talk.example.kr"), "a" * 32, BOUND)
NODE = bytes.fromhex("b" * 32)
OTHER = {b"v": b"1", b"service": OWN.service.encode(), b"node": b"b" * 32, b"scheme": b"bound"}


def test_a_neighbour_of_the_service_is_called_at_a_near_address() -> None:
    for addresses, host in (
        (["192.168.4.1"], "192.168.4.1"),
        (["fd00::1", "10.0.0.7"], "10.0.0.7"),
        (["fd00::1"], "[fd00::1]"),
    ):
        assert found(OWN, OTHER, addresses, 8449) == Found(NODE, BOUND, f"https://{host}:8449")


@pytest.mark.parametrize(("scheme", "begins"), [(AUTHORITY, "https"), (BOUND, "https"), (PLAIN, "http")])
def test_who_is_announced_is_found(scheme: str, begins: str) -> None:
    announced = Announcement(OWN.service, "b" * 32, scheme).properties
    as_read = {name.encode(): value.encode() for name, value in announced.items()}
    assert found(OWN, as_read, ["10.0.0.1"], 1) == Found(NODE, scheme, f"{begins}://10.0.0.1:1")


@pytest.mark.parametrize(
    ("change", "addresses", "port"),
    [
        ({b"node": b"a" * 32}, ["10.0.0.1"], 1),
        ({b"node": b"b"}, ["10.0.0.1"], 1),
        ({b"node": None}, ["10.0.0.1"], 1),
        ({b"service": b"x"}, ["10.0.0.1"], 1),
        ({b"v": b"2"}, ["10.0.0.1"], 1),
        ({b"scheme": b"gopher"}, ["10.0.0.1"], 1),
        ({b"scheme": None}, ["10.0.0.1"], 1),
        ({b"node": b"b" * 31 + b"g"}, ["10.0.0.1"], 1),
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
    assert found(OWN, {**OTHER, **change}, addresses, port) is None
