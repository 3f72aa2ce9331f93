"""The people and rooms of a drill, made through the public API, and what sites say of them afterwards."""

import ssl
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import httpx

from bongsu.drill.client import API
from bongsu.lab.plan import Plan

PASSWORD = "a drill's password"  # noqa: S105
MEMBERS = 6
SETTLE_S = 15.0  # for a room to reach another site of a laboratory that has just begun


@dataclass(slots=True)
class Town:
    """Who lives there, as the load processes are told."""

    people: list[dict[str, Any]]


class Api:
    """Plain requests to the sites of a laboratory."""

    def __init__(self, plan: Plan) -> None:
        trust: ssl.SSLContext | bool = ssl.create_default_context(cafile=plan.ca) if plan.ca else True
        self._http = {
            node.site: httpx.Client(base_url=node.url, verify=trust, timeout=30, trust_env=False)
            for node in plan.nodes
        }

    def call(self, site: str, method: str, path: str, token: str = "", **arguments: Any) -> dict[str, Any]:
        """A request that has to succeed; its JSON."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self._http[site].request(method, path, headers=headers, **arguments)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def history(self, site: str, room_id: str, token: str) -> list[dict[str, Any]]:
        """All the events of a room that a site tells, oldest first."""
        events: list[dict[str, Any]] = []
        place: str | None = None
        while True:
            query = {"dir": "b", "limit": "500", **({"from": place} if place else {})}
            answer = self.call(site, "GET", f"{API}/rooms/{room_id}/messages", token, params=query)
            events += answer["chunk"]
            place = answer.get("end")
            if place is None:
                return events[::-1]

    def close(self) -> None:
        """End the connections."""
        for http in self._http.values():
            http.close()


def settle(api: Api, plan: Plan, people: int) -> Town:
    """Make accounts, as many at each site, and rooms whose members live at different sites."""
    sites = [node.site for node in plan.core]
    made = [register(api, sites[number % len(sites)], f"p{number}") for number in range(people)]
    for first in range(0, people, MEMBERS):
        members = made[first : first + MEMBERS]
        host = members[0]
        room = api.call(
            host["home"],
            "POST",
            f"{API}/createRoom",
            host["access_token"],
            json={"preset": "public_chat", "name": f"room {first}"},
        )
        for member in members:
            member["room_id"], member["members"] = room["room_id"], len(members)
            if member is not host:
                join(api, member)
    for person in made:
        answer = api.call(person["home"], "GET", f"{API}/sync", person["access_token"])
        person["since"] = answer["next_batch"]
    return Town(made)


def register(api: Api, site: str, name: str) -> dict[str, Any]:
    """A new account at a site; a person of no room yet, as `client.Person` has its fields."""
    body = {"username": name, "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
    account = api.call(site, "POST", f"{API}/register", json=body)
    return {
        "name": name,
        "home": site,
        "room_id": "",
        "access_token": account["access_token"],
        "user_id": account["user_id"],
        "since": "",
    }


def join(api: Api, member: dict[str, Any]) -> None:
    """Join at the member's own site, where the room may not have come yet: the links are just being made."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        try:
            path = f"{API}/join/{member['room_id']}"
            api.call(member["home"], "POST", path, member["access_token"], json={})
            return
        except httpx.HTTPStatusError as error:
            if error.response.status_code != 404 or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def histories(
    api: Api, sites: list[str], town: Town, hubs: Collection[str] = ()
) -> dict[str, dict[str, list[str]]]:
    """The event ids of every room, as each of these sites tells them, oldest first; hubs their residents."""
    found: dict[str, dict[str, list[str]]] = {}
    for site in sites:
        rooms = found[site] = {}
        for person in town.people:
            there = site not in hubs or person["home"] == site
            if there and person["room_id"] not in rooms:
                events = api.history(site, person["room_id"], person["access_token"])
                rooms[person["room_id"]] = [event["event_id"] for event in events]
    return found
