"""Sides that are cut off from each other: who talks on each for hours, how far they have read, what came.

The sides are the core and every hub. What is promised of the talk is checked as of other people's."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import httpx

from bongsu import limits
from bongsu.drill.acts import Acts
from bongsu.drill.client import API, Client, Person, Sent, connected
from bongsu.drill.merge import Merge
from bongsu.drill.talk import talk
from bongsu.drill.town import Api, Town, join, register
from bongsu.drill.until import until
from bongsu.lab.plan import Plan

ROOMS = 2
MERGE_S = 120.0
COUNT_S = 30.0
CORE = "core"


class Parted:
    """One drill's. In each of some rooms every side has one who talks and one who only reads."""

    def __init__(self, api: Api, lab: Plan, *, hours: int, per_hour: int) -> None:
        """`per_hour`: messages an hour of each side in each room."""
        self._api, self._lab = api, lab
        # Everything at the core is said at one of its sites, so that its order is known before the merge.
        core = lab.core[-1].site
        self.sides = {node.site: CORE for node in lab.core} | {hub.site: hub.site for hub in lab.hubs}
        self._homes = [core, *(hub.site for hub in lab.hubs)]
        self._core = core
        self.merge = Merge(hours, per_hour)
        self._speakers: list[dict[str, Any]] = []
        self._readers: list[dict[str, Any]] = []
        self._sent: dict[str, list[Sent]] = {}
        # By reader: what it had read before the merge.
        self._read: dict[str, set[str]] = {}
        self._acts: Acts | None = None

    def settle(self, town: Town) -> Sequence[dict[str, Any]]:
        """Add them to a town whose people are shared out but have not moved; others that must, too."""
        rooms: dict[str, list[dict[str, Any]]] = {}
        for person in town.people:
            rooms.setdefault(person["room_id"], []).append(person)
        for number, (room_id, members) in enumerate(list(rooms.items())[:ROOMS]):
            speakers = [self._add(f"talk{number}-{home}", home, room_id) for home in self._homes]
            readers = [self._add(f"read{number}-{home}", home, room_id) for home in self._homes]
            self._speakers += speakers
            self._readers += readers
            others: Sequence[dict[str, Any]] = ()
            if number == 0:
                self._acts = Acts(self._api, members[0], *speakers[:3])
                self._acts.settle()
                others = self._acts.people
            for person in (*members, *speakers, *readers):
                person["members"] = len(members) + len(speakers) + len(readers) + len(others)
            for person in others:
                person["members"] = members[0]["members"]
        town.people += [*self._speakers, *self._readers]
        return [] if self._acts is None else self._acts.people

    def _add(self, name: str, home: str, room_id: str) -> dict[str, Any]:
        person = register(self._api, self._core, name)
        person |= {"room_id": room_id, "writes": False, "hub": "" if home == self._core else home}
        join(self._api, person)
        return person

    def talk(self, start: float) -> None:
        """The hours, on all sides at once; then everybody who only reads has read his side to its end."""
        began = time.monotonic()
        asyncio.run(self._talk(start))
        self.merge.talk_s = time.monotonic() - began
        for reader in self._readers:
            self._read_to_the_end(reader)

    async def _talk(self, start: float) -> None:
        assert self._acts is not None
        self._acts.write_script()
        urls = {node.site: node.url for node in self._lab.nodes}
        async with connected(self._lab.ca) as http:
            clients = [
                Client(_person(each), {each["home"]: urls[each["home"]]}, http, start)
                for each in self._speakers
            ]
            sides = {home: [each for each in clients if each.person.home == home] for home in self._homes}
            try:
                await talk(sides, hours=self.merge.hours, per_hour=self.merge.per_hour, act=self._acts.at)
            finally:
                self._sent = {client.person.name: client.person.sent for client in clients}

    def _read_to_the_end(self, reader: Mapping[str, Any]) -> None:
        """A receipt for the newest there is; what sorts at or before it on this side is read."""
        events = self._history(reader)
        self._read[reader["name"]] = {event["event_id"] for event in events}
        path = f"{API}/rooms/{reader['room_id']}/receipt/m.read/{events[-1]['event_id']}"
        self._api.call(reader["home"], "POST", path, reader["access_token"], json={})

    def wait(self, sites: Sequence[str]) -> None:
        """Until the last message of every side's talk is shown at every site.

        Raises:
            TimeoutError: it is not, in time.
        """
        deadline = time.monotonic() + MERGE_S
        for speaker in self._speakers:
            last = self._sent[speaker["name"]][-1].event_id
            for site in sites:
                shows = partial(self._shows, site, speaker["room_id"], last)
                if not until(shows, deadline - time.monotonic()):
                    raise TimeoutError(f"What {speaker['name']} said last is not at site {site}.")

    def _shows(self, site: str, room_id: str, event_id: str) -> bool:
        there = [each for each in self._readers if each["room_id"] == room_id]
        reader = next(each for each in there if self.sides[site] == self.sides[each["home"]])
        try:
            path = f"{API}/rooms/{room_id}/event/{event_id}"
            self._api.call(site, "GET", path, reader["access_token"])
        except httpx.HTTPStatusError:
            return False
        return True

    def tell(self, people: Sequence[dict[str, Any]]) -> None:
        """Give the speakers among these what they sent, as `client.dump` writes it."""
        for person in people:
            for sent in self._sent.get(person["name"], ()):
                person["sent"].append(sent.fields)
                self.merge.talk += 1

    def judge(self, sites: Sequence[str]) -> None:
        """Ask what stands and what is unread; whatever is otherwise than it must be is in `merge.wrong`."""
        assert self._acts is not None
        self.merge.acts = len(self._acts.done)
        undone = sorted(self._acts.script.keys() - self._acts.done)
        self.merge.wrong += [f"What {side} was to do in hour {hour} was not done." for side, hour in undone]
        self.merge.wrong += self._acts.wrong(sites)
        self.merge.wrong += [each for reader in self._readers for each in self._receipts(reader, sites)]
        for reader in self._readers:
            self._count(reader)

    def _count(self, reader: Mapping[str, Any]) -> None:
        """Whether what a reader is told is unread is what the merge brought, and what was said afterwards."""
        known = self._read.get(reader["name"], set())
        unread = sum(
            _counts(event, reader["user_id"])
            for event in self._history(reader)
            if event["event_id"] not in known
        )
        expected = min(unread, limits.UNREAD_COUNTED_MAX)
        until(lambda: self._told(reader) == expected, COUNT_S)
        told = self._told(reader)
        side = self.sides[reader["home"]]
        before = self.merge.unread.get(side, (0, 0))
        self.merge.unread[side] = (before[0] + told, before[1] + expected)
        if told != expected:
            self.merge.wrong.append(f"{reader['name']} is told of {told} unread messages, not {expected}.")

    def _told(self, reader: Mapping[str, Any]) -> int:
        room = self._room_now(reader["home"], reader, reader)
        return int(room["unread_notifications"]["notification_count"])

    def _room_now(self, site: str, asker: Mapping[str, Any], reader: Mapping[str, Any]) -> dict[str, Any]:
        """The reader's room as a first sync of somebody has it."""
        query = {"timeout": "0", "set_presence": "offline", "filter": '{"room":{"timeline":{"limit":1}}}'}
        answer = self._api.call(site, "GET", f"{API}/sync", asker["access_token"], params=query)
        found: dict[str, Any] = answer["rooms"]["join"][reader["room_id"]]
        return found

    def _receipts(self, reader: Mapping[str, Any], sites: Sequence[str]) -> list[str]:
        """Where others are not shown how far this one has read."""
        return [
            f"At site {site} nobody sees how far {reader['name']} has read."
            for site in sites
            if not until(partial(self._shows_receipt, site, reader), COUNT_S)
        ]

    def _shows_receipt(self, site: str, reader: Mapping[str, Any]) -> bool:
        asker = next(
            each
            for each in self._speakers
            if each["room_id"] == reader["room_id"] and self.sides[each["home"]] == self.sides[site]
        )
        ephemeral = self._room_now(site, asker, reader).get("ephemeral", {}).get("events", [])
        known = self._read.get(reader["name"], set())
        return any(
            event_id in known and reader["user_id"] in kinds.get("m.read", {})
            for event in ephemeral
            if event["type"] == "m.receipt"
            for event_id, kinds in event["content"].items()
        )

    def _history(self, reader: Mapping[str, Any]) -> list[dict[str, Any]]:
        return self._api.history(reader["home"], reader["room_id"], reader["access_token"])


def _person(fields: Mapping[str, Any]) -> Person:
    names = ("name", "home", "room_id", "access_token", "user_id", "since")
    return Person(*(fields[name] for name in names))


def _counts(event: Mapping[str, Any], user_id: str) -> bool:
    """Whether an event counts as unread: another's message, and neither an edit nor taken back."""
    relation = event["content"].get("m.relates_to", {}).get("rel_type")
    message = event["type"] == "m.room.message" and bool(event["content"])
    return message and event["sender"] != user_id and relation != "m.replace"
