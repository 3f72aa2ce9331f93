"""Calling a node whose address and settings do not fit: it is said, and never ends the calling."""

import ssl
from pathlib import Path

import pytest

from bongsu.bearer.link import ChannelClosed
from bongsu.bearer.websocket import dial
from bongsu.lab import certificates
from tests.server import free_port


async def test_an_encrypted_address_without_a_directory_is_called_by_what_the_machine_trusts() -> None:
    """Settings of a new hub are so: `peers = ["https://…"]`, and no `peer_tls` yet."""
    with pytest.raises(ChannelClosed, match=r"."):
        await dial(f"https://127.0.0.1:{free_port()}", None)


async def test_a_plain_address_is_not_called_where_links_are_to_be_encrypted(tmp_path: Path) -> None:
    certificates.make_authority(tmp_path)
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    with pytest.raises(ChannelClosed, match="peer_plain"):
        await dial(f"http://127.0.0.1:{free_port()}", context)
