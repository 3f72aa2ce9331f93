"""What `bongsu hub residents` does on the data of a stopped data centre."""

from collections.abc import Callable, Sequence

from bongsu.config import Config
from bongsu.hub import residents
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.offline import run_stopped
from bongsu.service import Service


def add(config: Config, site: str, names: Sequence[str]) -> list[str]:
    """Make users residents of a hub; their ids.

    Raises:
        MatrixError: there is no such hub or user; nothing was changed.
    """
    return _change(config, site, names, residents.added)


def remove(config: Config, site: str, names: Sequence[str]) -> list[str]:
    """End the residency of users; their ids.

    Raises:
        MatrixError: one is no resident there; nothing was changed.
    """
    return _change(config, site, names, residents.removed)


def listed(config: Config, site: str) -> list[str]:
    """The residents of a hub."""

    async def work(service: Service) -> list[str]:
        return residents.listed(service.node, site)

    return run_stopped(config, work)


def _change(
    config: Config, site: str, names: Sequence[str], make: Callable[[Node, str, str], list[Draft]]
) -> list[str]:
    async def work(service: Service) -> list[str]:
        node = service.node
        server_name = node.config.server_name
        user_ids = [name if name.startswith("@") else f"@{name}:{server_name}" for name in names]
        made = [draft for user_id in user_ids for draft in make(node, user_id, site)]
        if made:
            await node.write(*made)
        return user_ids

    return run_stopped(config, work)
