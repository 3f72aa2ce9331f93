"""The settings files of a laboratory's processes: one NATS configuration and one TOML file a site."""

import json
from pathlib import Path

from bongsu.lab.plan import NatsPlan, NodePlan, Plan

# What hubs are told of their radio, whatever rate it is then given: none is slower.
RADIO = "bits_per_second=1200&bytes_per_minute=9000"


def nats_settings(plan: Plan, server: NatsPlan, node_names: dict[str, str]) -> str:
    """A NATS server of one site, clustered with the others. `node_names`: node id in hex by site."""
    routes = [f"nats-route://{other.host}:{other.cluster_port}" for other in plan.nats if other is not server]
    home = Path(server.config).parent
    lines = [
        f'server_name: "{server.name}"',
        f'listen: "{server.host}:{server.port}"',
        # A bundle of records, and what goes around it.
        "max_payload: 4MB",
        # What is written is gone only when the last server has lost it; a power cut must not take names away.
        f'jetstream {{ store_dir: "{home / "jetstream"}", sync_interval: always }}',
    ]
    if routes:
        lines += _cluster(plan, server, home, routes)
    if plan.ca:
        lines += [_tls(home / "tls", "", mapped=True), nats_permissions(node_names)]
    return "\n".join(lines) + "\n"


def _cluster(plan: Plan, server: NatsPlan, home: Path, routes: list[str]) -> list[str]:
    lines = [
        "cluster {",
        '  name: "bongsu"',
        f'  listen: "{server.host}:{server.cluster_port}"',
        f"  routes: {json.dumps(routes)}",
    ]
    if plan.ca:
        lines += [_tls(home / "tls", "  ")]
    return [*lines, "}"]


def _tls(folder: Path, indent: str, *, mapped: bool = False) -> str:
    check = "verify_and_map: true" if mapped else "verify: true"
    files = f'cert_file: "{folder / "certificate.pem"}", key_file: "{folder / "key.pem"}"'
    return f'{indent}tls {{ {files}, ca_file: "{folder / "ca.pem"}", {check} }}'


def nats_permissions(node_names: dict[str, str]) -> str:
    """A node may speak for itself only, and hear what is for it: a stolen key of one site is one site's."""
    users = []
    for site, node in node_names.items():
        publish = [
            f"bongsu.*.to.*.{node}",
            f"bongsu.*.beacon.{node}",
            "$JS.API.>",
            "$KV.>",
        ]
        subscribe = [f"bongsu.*.to.{node}.*", "bongsu.*.beacon.*", "_INBOX.>"]
        permissions = {"publish": publish, "subscribe": subscribe}
        users.append({"user": f"CN=node-{site}", "permissions": permissions})
    return f"authorization {{ users: {json.dumps(users)} }}"


def node_settings(plan: Plan, node: NodePlan, root_key: str) -> str:
    """A node of the laboratory: open registration, no rate limits, links by NATS first."""
    own_first = sorted(plan.nats, key=lambda server: server.site != node.site)
    scheme = "tls" if plan.ca else "nats"
    peer_scheme = "https" if plan.ca else "http"
    settings: dict[str, object] = {
        "data": node.data,
        "listen": node.listen,
        "server_name": plan.service,
        "site": node.site,
        "role": node.role,
        "registration": "open",
        "open_registration_anywhere": True,
        "rate_limits": False,
        "public_url": node.url,
        "peer_listen": node.peer_listen,
        "peers": [f"{peer_scheme}://{address}" for address in _peers(plan, node)],
        "private_listen": node.private.removeprefix("http://"),
        # Whoever is linked in a laboratory, it says itself.
        "mdns": "off",
        "free_bytes_min": 64 * 1024 * 1024,
        # Everything of a laboratory is on this machine, push gateways, too.
        "push_allow_private": True,
    }
    radios = [each.listen for each in plan.links if each.radio and node.name in (each.hub, each.other)]
    if radios:
        settings["thin_links"] = [f"kiss+tcp://{each}?{RADIO}" for each in radios]
    if node.role == "core":
        settings["nats"] = [f"{scheme}://{server.host}:{server.port}" for server in own_first]
    if root_key:
        settings["root_key"] = root_key
    if plan.ca:
        home = Path(node.config).parent
        settings["tls"] = settings["peer_tls"] = str(home / "tls")
    else:
        settings["peer_plain"] = True
    # TOML's strings, lists and numbers of these kinds are written as JSON writes them.
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())


def _peers(plan: Plan, node: NodePlan) -> list[str]:
    """Core nodes call each other; a hub calls by its wires, and nobody calls a hub of an earlier number."""
    if node.role == "hub":
        return [link.listen for link in plan.links if link.hub == node.name and not link.radio]
    return [other.peer_listen for other in plan.core if other is not node]
