"""A node as it is run, and a neighbour on its LAN: how they are linked, and what its operators are told."""

import json
from dataclasses import replace
from pathlib import Path

import httpx

from bongsu.bearer.websocket import bound
from bongsu.config import Config
from bongsu.hub.neighbours import Neighbours
from bongsu.rootkey import RootKey
from tests.helpers.linked import certified, eventually, hub
from tests.server import Server, free_port


def problems(client: httpx.Client, private: str) -> dict[str, str]:
    answer = client.get(f"http://{private}/health").json()
    return {each["name"]: each["en"] for each in answer["problems"]}


async def test_operators_are_told_of_a_neighbour_that_takes_plain_text_alone(tmp_path: Path) -> None:
    root = RootKey.generate()
    config = certified(root, Config(data=tmp_path / "data"))
    private = f"127.0.0.1:{free_port()}"
    settings = {
        **{name: getattr(config, name) for name in ("server_name", "site", "root_key", "peer_listen")},
        **{"private_listen": private, "mdns": "on"},
    }
    file = tmp_path / "bongsu.toml"
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
    server = Server(tmp_path, "--config", str(file))
    other = await hub(root, Config(data=tmp_path / "other"))
    neighbours: Neighbours | None = None
    try:
        server.start()
        other.peers.call(f"https://{config.peer_listen}", bound())
        (written,) = other.node.log.held().values()
        await eventually(lambda: "data" in other.peers.sites_with(written.log, written.seq))
        other.peers.isolate(on=True)
        # As a release before this one announces itself.
        other.node.config = replace(other.node.config, peer_plain=True)
        neighbours = Neighbours(other.node, other.peers, None)
        await neighbours.start(["127.0.0.1"])
        with httpx.Client(trust_env=False) as client:
            await eventually(lambda: "Upgrade" in problems(client, private).get("plain other", ""))
        server.stop()
    finally:
        server.kill()
        if neighbours is not None:
            await neighbours.close()
        await other.end()
