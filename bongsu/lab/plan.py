"""What a laboratory consists of: sites, names, addresses and files. lab.json says it to everybody."""

import json
import secrets
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bongsu.errors import FatalError

FILE = "lab.json"
SITE_NAMES = "abcdefghijklmnopqrstuvwxyz"
SITES_MAX = 9
HUBS_MAX = 9
PORTS = range(10_000, 32_000)


@dataclass(slots=True)
class NodePlan:
    """One `bongsu serve`. `pid` 0: not running."""

    name: str
    site: str
    role: str
    url: str
    data: str
    listen: str
    peer_listen: str
    config: str
    # Where metrics, health and digests are.
    private: str = ""
    namespace: str = ""
    # Variables of its process, beside those of the command that starts it.
    environment: dict[str, str] = field(default_factory=dict)
    pid: int = 0


@dataclass(slots=True)
class NatsPlan:
    """One NATS server. `pid` 0: not running."""

    name: str
    site: str
    host: str
    port: int
    cluster_port: int
    config: str
    namespace: str = ""
    pid: int = 0


@dataclass(slots=True)
class LinkPlan:
    """A wire between a hub and another node, which the hub dials. `pid` 0: it is cut."""

    name: str
    hub: str
    other: str
    listen: str
    target: str
    config: str
    namespace: str = ""
    # Not a wire but a radio channel, to which both hubs have a modem.
    radio: bool = False
    pid: int = 0


Process = NodePlan | NatsPlan | LinkPlan


@dataclass(slots=True)
class Plan:
    """The whole of it. `ca` is empty where nothing is encrypted, `bridge` where all is on loopback."""

    service: str
    folder: str
    ca: str
    bridge: str = ""
    nodes: list[NodePlan] = field(default_factory=list)
    nats: list[NatsPlan] = field(default_factory=list)
    links: list[LinkPlan] = field(default_factory=list)

    def save(self) -> None:
        """Write lab.json, whole or not at all."""
        path = Path(self.folder, FILE)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        part.replace(path)

    @classmethod
    def load(cls, folder: Path) -> "Plan":
        """Read lab.json.

        Raises:
            FatalError: there is no laboratory.
        """
        try:
            fields: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
            nodes = [NodePlan(**node) for node in fields.pop("nodes")]
            servers = [NatsPlan(**server) for server in fields.pop("nats")]
            links = [LinkPlan(**link) for link in fields.pop("links", [])]
            return cls(**fields, nodes=nodes, nats=servers, links=links)
        except FileNotFoundError as error:
            raise FatalError(
                f"There is no laboratory in {folder}. Start one with `bongsu lab up`."
            ) from error
        except (ValueError, TypeError, KeyError) as error:
            raise FatalError(f"{folder / FILE} cannot be read: {error}. Delete the directory.") from error

    @property
    def processes(self) -> list[Process]:
        """Every process there is or was."""
        return [*self.nodes, *self.nats, *self.links]

    @property
    def core(self) -> list[NodePlan]:
        """The nodes of data centres."""
        return [node for node in self.nodes if node.role == "core"]

    @property
    def hubs(self) -> list[NodePlan]:
        """The nodes of hubs."""
        return [node for node in self.nodes if node.role == "hub"]

    def find(self, name: str) -> Process:
        """A process by its name.

        Raises:
            FatalError: there is none of that name.
        """
        for process in self.processes:
            if process.name == name:
                return process
        names = ", ".join(process.name for process in self.processes)
        raise FatalError(f"The laboratory has no {name}. It has: {names}.")


def make(
    folder: Path, sites: int, *, tls: bool, bridge: str, places: dict[str, tuple[str, str]], hubs: int = 0
) -> Plan:
    """Choose names and free ports. `places`: (namespace, address) by site; on loopback, empty."""
    folder = folder.resolve()
    scheme = "https" if tls else "http"
    plan = Plan("lab.localhost", str(folder), str(folder / "tls" / "ca.pem") if tls else "", bridge)
    nodes = 5 * sites + 3 * hubs
    free = _free_ports(nodes + sites * hubs + 2 * hubs * hubs)
    ports, wires = free[:nodes], free[nodes:]
    for site in SITE_NAMES[:sites]:
        client, peer, private, nats, cluster = (ports.pop() for _ in range(5))
        home = folder / site
        namespace, address = places.get(site, ("", "127.0.0.1"))
        plan.nodes.append(
            NodePlan(
                name=site,
                site=site,
                role="core",
                url=f"{scheme}://{address}:{client}",
                data=str(home / "data"),
                listen=f"{address}:{client}",
                peer_listen=f"{address}:{peer}",
                config=str(home / "bongsu.toml"),
                private=f"http://{address}:{private}",
                namespace=namespace,
            )
        )
        plan.nats.append(
            NatsPlan(f"nats-{site}", site, address, nats, cluster, str(home / "nats.conf"), namespace)
        )
    for number in range(1, hubs + 1):
        _add_hub(plan, f"h{number}", scheme, ports, wires)
    return plan


def _add_hub(plan: Plan, name: str, scheme: str, ports: list[int], wires: list[int]) -> None:
    """A hub, and its wires to everybody there is so far."""
    home = Path(plan.folder, name)
    client, peer, private = (ports.pop() for _ in range(3))
    for other in plan.nodes:
        wire = f"{name}-{other.name}"
        listen, config = f"127.0.0.1:{wires.pop()}", str(Path(plan.folder, "links", f"{wire}.json"))
        plan.links.append(LinkPlan(wire, name, other.name, listen, other.peer_listen, config))
        if other.role == "hub":
            listen = f"127.0.0.1:{wires.pop()}"
            config = str(Path(plan.folder, "links", f"{wire}-radio.json"))
            plan.links.append(LinkPlan(f"{wire}-radio", name, other.name, listen, "", config, radio=True))
    plan.nodes.append(
        NodePlan(
            name=name,
            site=name,
            role="hub",
            url=f"{scheme}://127.0.0.1:{client}",
            data=str(home / "data"),
            listen=f"127.0.0.1:{client}",
            peer_listen=f"127.0.0.1:{peer}",
            config=str(home / "bongsu.toml"),
            private=f"http://127.0.0.1:{private}",
        )
    )


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different, and that no outgoing connection is given.

    A row: where another laboratory has its own, some is in use, also while one of its processes is down.
    """
    while True:
        first = PORTS.start + secrets.randbelow(len(PORTS) - count)
        row = range(first, first + count)
        with suppress(OSError):
            for port in row:
                with socket.socket() as each:
                    each.bind(("127.0.0.1", port))
            return list(row)
