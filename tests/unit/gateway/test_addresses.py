"""Where push may not go, and that a name is held to the address that was checked."""

import pytest

from bongsu.gateway.addresses import AddressRefused, Resolver, is_public


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("1.1.1.1", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::101:101", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("::7f00:1", False),
        ("fec0::1", False),
        ("ff0e::1", False),
    ],
)
def test_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "2130706433", "0x7f.1"])
async def test_private_hosts_are_refused(host: str) -> None:
    with pytest.raises(AddressRefused):
        await Resolver(allow_private=False).resolve(f"https://{host}/x")


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    target = await Resolver(allow_private=True).resolve("https://localhost:8448/x?y=z")
    assert target.url in ("https://127.0.0.1:8448/x?y=z", "https://[::1]:8448/x?y=z")
    assert (target.host, target.authority) == ("localhost", "localhost:8448")
    target = await Resolver(allow_private=False).resolve("https://1.1.1.1/x")
    assert target.url == "https://1.1.1.1:443/x"
