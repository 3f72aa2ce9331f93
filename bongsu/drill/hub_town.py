"""The people of a drill with hubs: accounts of the core, each a resident of a hub and never elsewhere.

Where the core lives on while hubs are cut off, as many stay with it as live at each hub."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import httpx

from bongsu.drill.client import API
from bongsu.drill.town import Api, Town
from bongsu.drill.until import until
from bongsu.errors import FatalError
from bongsu.lab.plan import Plan

SETTLE_S = 90


def share_out(plan: Plan, town: Town, *, core_too: bool) -> None:
    """Say who is to live at which hub, as many at each; `core_too`: and as many at the core."""
    hubs = [hub.site for hub in plan.hubs] + ([""] if core_too else [])
    for number, person in enumerate(town.people):
        person["hub"] = hubs[number % len(hubs)]


def move_in(api: Api, plan: Plan, people: Sequence[dict[str, Any]]) -> None:
    """Make everybody a resident of their hub, and wait until the hubs have all they need.

    Raises:
        FatalError: they have not, in time.
    """
    hubs = {hub.site for hub in plan.hubs}
    _until(lambda: hubs <= _linked(api, plan), "the hubs linked with the core")
    for person in people:
        if person["hub"]:
            path = "/_bongsu/client/v1/residency"
            api.call(person["home"], "PUT", path, person["access_token"], json={"hub": person["hub"]})
            person["home"] = person["hub"]
    for person in people:
        _until(partial(_is_there, api, person), f"{person['name']} at {person['home']}")
        answer = api.call(person["home"], "GET", f"{API}/sync", person["access_token"])
        person["since"] = answer["next_batch"]


def _linked(api: Api, plan: Plan) -> set[str]:
    sites = api.call(plan.core[0].site, "GET", "/_bongsu/client/v1/sites")["sites"]
    return {site["name"] for site in sites if site["up"]}


def _is_there(api: Api, person: Mapping[str, Any]) -> bool:
    """Whether a person's hub knows them, and that all the members of their room are in it."""
    try:
        path = f"{API}/rooms/{person['room_id']}/joined_members"
        found = api.call(person["home"], "GET", path, person["access_token"])["joined"]
    except httpx.HTTPStatusError:
        return False
    return len(found) >= int(person["members"])


def _until(holds: Callable[[], bool], what: str) -> None:
    if not until(holds, SETTLE_S):
        raise FatalError(f"It took too long: {what}.")
