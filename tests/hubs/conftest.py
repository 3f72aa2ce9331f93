"""A laboratory of one data centre and two hubs, without TLS, whose links are wires that can be cut."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bongsu.lab import commands, processes
from bongsu.lab.plan import NodePlan, Plan
from bongsu.operate.against import PATH
from tests.api.client import User, http_client

_numbers = itertools.count(1)
WAIT_S = 40
HUBS = ("h1", "h2")
EVERYWHERE = ("a", *HUBS)


def eventually(holds: Callable[[], object], what: str = "it", wait_s: float = WAIT_S) -> None:
    """Wait until something that must happen by itself has happened."""
    deadline = time.monotonic() + wait_s
    while not holds():
        assert time.monotonic() < deadline, f"{what} never came to be so"
        time.sleep(0.05)


class Lab:
    """The nodes, their clients, and what may happen to them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.http: dict[str, httpx.Client] = {node.site: http_client(node.url) for node in plan.nodes}

    def node(self, site: str) -> NodePlan:
        found = self.plan.find(site)
        assert isinstance(found, NodePlan)
        return found

    def user(self, site: str, name: str) -> User:
        """A new account made at a site."""
        user = User(self.http[site], f"{name}-{next(_numbers)}")
        user.register()
        return user

    def linked(self) -> set[str]:
        """The sites that the core is linked with, itself included."""
        sites = self.http["a"].get("/_bongsu/client/v1/sites").json()["sites"]
        return {site["name"] for site in sites if site["up"]}

    def resident(self, hub: str, name: str) -> User:
        """A new account of the core whose rooms a hub keeps, as it is there."""
        user = self.user("a", name)
        answer = user.put("/_bongsu/client/v1/residency", body={"hub": hub})
        assert answer == {"hubs": [hub]}
        eventually(lambda: self.knows(user, hub), f"{hub} knowing {user.user_id}")
        return user

    def knows(self, user: User, site: str) -> bool:
        return self.at(user, site).request("GET", "/_matrix/client/v3/account/whoami").status_code == 200

    def at(self, user: User, site: str) -> User:
        """The same user and device, talking to another site."""
        moved = User(self.http[site], user.name)
        moved.user_id, moved.device_id, moved.access_token = user.user_id, user.device_id, user.access_token
        return moved

    def burn(self) -> None:
        """The data centre is gone."""
        processes.kill(self.plan.find("a"))
        processes.kill(self.plan.find("nats-a"))
        self.plan.save()

    def revive(self) -> None:
        """The data centre is back."""
        commands.start(self.plan, "nats-a")
        commands.start(self.plan, "a")

    def link(self, hub: str, other: str, how: str) -> None:
        commands.link(self.plan, hub, other, how)

    def isolate(self) -> None:
        """Every hub is alone."""
        for hub in HUBS:
            self.link(hub, "core", "none")
        self.link("h1", "h2", "none")

    def reunite(self) -> None:
        """Every hub reaches the core again."""
        for hub in HUBS:
            self.link(hub, "core", "lan")

    def digests(self, site: str) -> dict[str, str]:
        """What a node says it holds, a digest a scope."""
        answer: dict[str, Any] = httpx.get(self.node(site).private + PATH, timeout=30).json()
        return dict(answer["digests"])


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("hubs") / "lab"
    plan = commands.up(folder, 1, tls=False, hubs=len(HUBS))
    lab = Lab(plan)
    try:
        eventually(lambda: lab.linked() == {"a", *HUBS}, "every hub linked with the core")
        yield lab
    finally:
        for client in lab.http.values():
            client.close()
        commands.down(plan)
