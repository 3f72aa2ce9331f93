"""A laboratory of three sites for the tests of a session, with NATS and without TLS."""

import itertools
from collections.abc import Callable, Iterator

import httpx
import pytest

from bongsu.lab import commands, processes
from bongsu.lab.plan import NodePlan, Plan
from tests.api.client import User, http_client

_numbers = itertools.count(1)
SITES = ("a", "b", "c")


class Lab:
    """Three sites: clients of each, and what may happen to them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.http: dict[str, httpx.Client] = {node.site: http_client(node.url) for node in plan.nodes}

    def node(self, site: str) -> NodePlan:
        found = self.plan.find(site)
        assert isinstance(found, NodePlan)
        return found

    def user(self, site: str, name: str = "user") -> User:
        """A new account made at a site."""
        user = User(self.http[site], f"{name}-{next(_numbers)}")
        user.register()
        return user

    def at(self, user: User, site: str) -> User:
        """The same user and device, talking to another site."""
        moved = User(self.http[site], user.name)
        moved.user_id, moved.device_id, moved.access_token = user.user_id, user.device_id, user.access_token
        return moved

    def burn(self, site: str) -> None:
        """Kill the node and the NATS server of a site at once."""
        processes.kill(self.plan.find(site))
        processes.kill(self.plan.find(f"nats-{site}"))
        self.plan.save()

    def revive(self, site: str) -> None:
        """Start both again."""
        commands.start(self.plan, f"nats-{site}")
        commands.start(self.plan, site)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    plan = commands.up(tmp_path_factory.mktemp("lab") / "lab", len(SITES), tls=False)
    lab = Lab(plan)
    try:
        yield lab
    finally:
        for client in lab.http.values():
            client.close()
        commands.down(plan)


@pytest.fixture
def everywhere(lab: Lab) -> Callable[[Callable[[str], object]], None]:
    """Wait until what a function says of each site is the same everywhere; it must become so by itself."""

    def wait(say: Callable[[str], object]) -> None:
        for _ in range(100):
            said = [say(site) for site in SITES]
            if all(each == said[0] for each in said):
                return
        raise AssertionError(f"the sites never agreed: {said}")

    return wait
