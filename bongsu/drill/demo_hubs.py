"""The hubs of `bongsu demo`: two villages that talk; the fibre is cut, somebody walks, all merges."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from bongsu.drill import hub_faults
from bongsu.drill.client import API
from bongsu.drill.town import PASSWORD, Api
from bongsu.errors import FatalError
from bongsu.lab import commands
from bongsu.lab.plan import Plan

NAMES = (("eulji", "윗마을 을지"), ("nami", "아랫마을 나미"))
EVERY_S = 2.0
SETTLE_S = 60.0
REQUEST_S = 5.0
CORE = "core"


@dataclass
class Villager:
    """Somebody who lives at a hub, talks there alone, and what he has said and heard by now."""

    hub: str
    url: str
    token: str
    user_id: str
    said: int = 0
    heard: set[str] = field(default_factory=set)


class Villages:
    """Two hubs, a resident at each, one room. Its lock is held for moments only."""

    def __init__(self, plan: Plan, api: Api) -> None:
        self.plan = plan
        self._api = api
        self._lock = threading.Lock()
        self._acting = threading.Lock()
        self._villagers: list[Villager] = []
        self._room_id = ""
        self.cut = False

    def seed(self) -> None:
        """Make the residents and their room, and wait until their hubs know them.

        Raises:
            FatalError: the hubs did not hear of them in time.
        """
        core = self.plan.core[0].site
        for (name, korean), hub in zip(NAMES, self.plan.hubs, strict=True):
            body = {"username": name, "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
            account = self._api.call(core, "POST", f"{API}/register", json=body)
            token, user_id = str(account["access_token"]), str(account["user_id"])
            profile = f"{API}/profile/{user_id}/displayname"
            self._api.call(core, "PUT", profile, token, json={"displayname": korean})
            self._api.call(core, "PUT", "/_bongsu/client/v1/residency", token, json={"hub": hub.site})
            self._villagers.append(Villager(hub.site, hub.url, token, user_id))
        first, second = self._villagers
        body = {"preset": "public_chat", "name": "윗마을과 아랫마을"}
        self._room_id = str(
            self._api.call(core, "POST", f"{API}/createRoom", first.token, json=body)["room_id"]
        )
        self._api.call(core, "POST", f"{API}/join/{self._room_id}", second.token, json={})
        deadline = time.monotonic() + SETTLE_S
        while not all(self._is_home(each) for each in self._villagers):
            if time.monotonic() > deadline:
                raise FatalError(
                    "The hubs did not hear of their residents in time. Start the demo once more."
                )
            time.sleep(0.1)

    def talk(self, stop: threading.Event) -> None:
        """Everybody says something now and then, and listens, until told to stop."""
        while not stop.wait(EVERY_S):
            for each in self._villagers:
                try:
                    self._turn(each)
                except httpx.HTTPError:
                    continue  # said again at the next turn, with the same transaction id

    def cut_fibre(self, _: str = "") -> None:
        """The wires between hubs and data centres are cut.

        Raises:
            FatalError: they are already.
        """
        with self._acting:
            if self.cut:
                raise FatalError("이미 끊겨 있습니다. It is cut already.")
            for hub in self.plan.hubs:
                commands.link(self.plan, hub.site, CORE, "none")
            self.cut = True

    def mend_fibre(self, _: str = "") -> None:
        """The wires are back.

        Raises:
            FatalError: they were not cut.
        """
        with self._acting:
            if not self.cut:
                raise FatalError("끊기지 않았습니다. It was not cut.")
            for hub in self.plan.hubs:
                commands.link(self.plan, hub.site, CORE, "lan")
            self.cut = False

    def walk(self, _: str = "") -> None:
        """A courier carries sealed files from each hub to the other.

        Raises:
            FatalError: a hub did not answer.
        """
        with self._acting:
            try:
                hub_faults.courier(self.plan, "")
            except httpx.HTTPError as error:
                raise FatalError(
                    f"전령이 전하지 못했습니다. The courier did not get through: {error}"
                ) from error

    def state(self) -> list[dict[str, Any]]:
        """Each hub: how much was said there, and how much of the other's talk is not there yet."""
        with self._lock:
            said = sum(each.said for each in self._villagers)
            return [
                {
                    "name": each.hub,
                    "url": each.url,
                    "cut": self.cut,
                    "said": each.said,
                    "missing": max(0, said - each.said - len(each.heard)),
                }
                for each in self._villagers
            ]

    def _turn(self, each: Villager) -> None:
        number = each.said + 1
        content = {"msgtype": "m.text", "body": f"{each.hub} 거점에서 {number}번째 말"}
        path = f"{API}/rooms/{self._room_id}/send/m.room.message/v{number}"
        self._api.call(each.hub, "PUT", path, each.token, json=content, timeout=REQUEST_S)
        query = {"dir": "b", "limit": "500"}
        path = f"{API}/rooms/{self._room_id}/messages"
        chunk = self._api.call(each.hub, "GET", path, each.token, params=query, timeout=REQUEST_S)["chunk"]
        others = [event for event in chunk if event["sender"] != each.user_id]
        with self._lock:
            each.said = number
            each.heard.update(event["event_id"] for event in others if event["type"] == "m.room.message")

    def _is_home(self, each: Villager) -> bool:
        try:
            path = f"{API}/rooms/{self._room_id}/joined_members"
            return len(self._api.call(each.hub, "GET", path, each.token)["joined"]) == len(NAMES)
        except httpx.HTTPError:
            return False
