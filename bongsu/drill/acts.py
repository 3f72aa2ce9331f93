"""What sides that are cut off do besides talking, and what must stand after the merge.

Bans and levels by whoever may more hold; what was said before one could hear of a ban stands."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from bongsu.drill.client import API
from bongsu.drill.town import Api, join, register

OWN = "/_bongsu/client/v1"
STANDS_S = 30.0
TOPIC, LOST_TOPIC = "before the cut", "by who may no longer"
FIRST, SECOND, EDITED = "said first", "said second", "said second, and put right"
UNHEARD, HELLO = "said without hearing of the ban", "hello"

Person = dict[str, Any]


class Acts:
    """A room's moderators and members on three sides. `mayor` is at the core, `deputy` and `park` at hubs."""

    def __init__(self, api: Api, owner: Person, mayor: Person, deputy: Person, park: Person) -> None:
        self._api = api
        self._room_id = str(owner["room_id"])
        self._owner, self._mayor, self._deputy, self._park = owner, mayor, deputy, park
        self._core = str(mayor["home"])
        # One more at the first hub, who will be banned, and one at the core whom the deputy will ban in vain.
        self._kim, self._lee = ({**register(api, self._core, name), "hub": ""} for name in ("kim", "lee"))
        self._kim["hub"] = deputy["hub"]
        self._newcomers: list[Person] = []
        self._said: dict[str, str] = {}
        self.done: set[tuple[str, int]] = set()
        self.script: dict[tuple[str, int], Callable[[], None]] = {}

    @property
    def people(self) -> Sequence[Person]:
        """Whom it takes besides those it was given."""
        return self._kim, self._lee

    def settle(self) -> None:
        """Before anybody moves to a hub: who may what, and what the sides will change."""
        for each in self.people:
            each["room_id"] = self._room_id
            join(self._api, each)
        self._levels(self._owner, {self._mayor["user_id"]: 100, self._deputy["user_id"]: 50})
        self._state(self._mayor, "m.room.topic", "", {"topic": TOPIC})
        self._said[FIRST] = self._say(self._kim, FIRST)
        self._said[SECOND] = self._say(self._lee, SECOND)

    def write_script(self) -> None:
        """Once everybody is home: by side and hour."""
        core, first, second = self._core, str(self._deputy["home"]), str(self._park["home"])
        self.script = {
            (first, 2): lambda: self._edit(self._kim, FIRST, "of no effect"),
            (core, 2): self._redact,
            (core, 3): lambda: self._ban(self._mayor, self._kim),
            (first, 4): lambda: self._note(UNHEARD, self._say(self._kim, UNHEARD)),
            (core, 5): lambda: self._levels(self._mayor, {self._deputy["user_id"]: 0}),
            (first, 6): lambda: self._state(self._deputy, "m.room.topic", "", {"topic": LOST_TOPIC}),
            (first, 7): lambda: self._ban(self._deputy, self._lee),
            (core, 8): lambda: self._come(core),
            (first, 8): lambda: self._come(first),
            (second, 8): lambda: self._come(second),
            (core, 9): lambda: self._edit(self._lee, SECOND, EDITED),
        }

    def at(self, side: str, hour: int) -> None:
        """What this side does at the beginning of this hour, on the side's own thread."""
        act = self.script.get((side, hour))
        if act is not None:
            act()
            self.done.add((side, hour))

    def wrong(self, sites: Sequence[str]) -> list[str]:
        """What does not stand as it must at these sites, a sentence each, asked for a while."""
        deadline = time.monotonic() + STANDS_S
        while True:
            found = [f"At site {site} {each}." for site in sites for each in self._wrong_at(site)]
            if not found or time.monotonic() > deadline:
                return found + self._told_wrongly()
            time.sleep(0.2)

    def _wrong_at(self, site: str) -> list[str]:
        reader = {str(each["home"]): each for each in (self._deputy, self._park)}.get(site, self._mayor)
        ask = _Asker(self._api, site, reader, self._room_id)
        members = ask.members()
        standing = {
            "who was banned is not": members.get(self._kim["user_id"]) == "ban",
            "a ban stands by one who might no longer": members.get(self._lee["user_id"]) == "join",
            "who joined is not in": all(members.get(each["user_id"]) == "join" for each in self._newcomers),
            "the deputy still has a level": not ask.state("m.room.power_levels")["users"].get(
                self._deputy["user_id"], 0
            ),
            "a topic stands by one who might no longer": ask.state("m.room.topic")["topic"] == TOPIC,
            "what was taken back is shown": ask.event(FIRST, self._said).get("content") == {},
            "an edit is not shown": ask.replaced_by(SECOND, self._said) == self._said.get(EDITED),
            "what was said before one could hear of a ban is gone": ask.body(UNHEARD, self._said) == UNHEARD,
            "what newcomers said is gone": all(
                ask.body(each["name"], self._said) == HELLO for each in self._newcomers
            ),
        }
        return [sentence for sentence, holds in standing.items() if not holds]

    def _told_wrongly(self) -> list[str]:
        """What the banned and the moderators are told."""
        found = []
        answer = self._try(self._kim, "and once more")
        if answer != 403:
            found.append(f"Who was banned may go on at the hub: his message was answered by {answer}.")
        path = f"{OWN}/rooms/{self._room_id}/merges"
        undone = self._api.call(self._core, "GET", path, self._mayor["access_token"])["undone"]
        told = {(each["type"], each["sender"]) for each in undone}
        expected = {(kind, self._deputy["user_id"]) for kind in ("m.room.topic", "m.room.member")}
        if told != expected:
            found.append(f"Moderators are told that the merge undid {sorted(told)}, not {sorted(expected)}.")
        return found

    # What people do

    def _note(self, what: str, event_id: str) -> None:
        self._said[what] = event_id

    def _call(self, person: Person, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        whole = f"{API}/rooms/{self._room_id}/{path}"
        return self._api.call(str(person["home"]), method, whole, person["access_token"], json=body)

    def _send(self, person: Person, content: Mapping[str, Any]) -> str:
        path = f"send/m.room.message/act-{time.monotonic_ns()}"
        return str(self._call(person, "PUT", path, content)["event_id"])

    def _say(self, person: Person, words: str) -> str:
        return self._send(person, {"msgtype": "m.text", "body": words})

    def _try(self, person: Person, words: str) -> int:
        try:
            self._say(person, words)
        except httpx.HTTPStatusError as error:
            return error.response.status_code
        return 200

    def _edit(self, person: Person, what: str, words: str) -> None:
        new = {"msgtype": "m.text", "body": words}
        relation = {"rel_type": "m.replace", "event_id": self._said[what]}
        edit = {**new, "body": f"* {words}", "m.new_content": new, "m.relates_to": relation}
        self._said[words] = self._send(person, edit)

    def _redact(self) -> None:
        self._call(self._mayor, "PUT", f"redact/{self._said[FIRST]}/act", {"reason": "wrong"})

    def _ban(self, moderator: Person, person: Person) -> None:
        self._call(moderator, "POST", "ban", {"user_id": person["user_id"]})

    def _state(self, person: Person, kind: str, key: str, content: Mapping[str, Any]) -> None:
        self._call(person, "PUT", f"state/{kind}/{key}", content)

    def _levels(self, person: Person, levels: Mapping[str, int]) -> None:
        content = _Asker(self._api, str(person["home"]), person, self._room_id).state("m.room.power_levels")
        content["users"] = {**content.get("users", {}), **levels}
        self._state(person, "m.room.power_levels", "", content)

    def _come(self, site: str) -> None:
        """Somebody makes an account there, joins, and says hello."""
        newcomer = register(self._api, site, f"newcomer-{site}")
        newcomer["room_id"] = self._room_id
        join(self._api, newcomer)
        self._said[newcomer["name"]] = self._say(newcomer, HELLO)
        self._newcomers.append(newcomer)


class _Asker:
    """What a site shows of the room to one of its members."""

    def __init__(self, api: Api, site: str, reader: Person, room_id: str) -> None:
        self._api, self._site, self._token = api, site, str(reader["access_token"])
        self._path = f"{API}/rooms/{room_id}"

    def state(self, kind: str) -> dict[str, Any]:
        """The content of a piece of state."""
        return self._api.call(self._site, "GET", f"{self._path}/state/{kind}/", self._token)

    def members(self) -> dict[str, str]:
        """Everybody's membership."""
        chunk = self._api.call(self._site, "GET", f"{self._path}/members", self._token)["chunk"]
        return {each["state_key"]: each["content"]["membership"] for each in chunk}

    def event(self, what: str, said: Mapping[str, str]) -> dict[str, Any]:
        """An event by what was said with it; nothing where it was never said or is not there."""
        if what not in said:
            return {}
        try:
            return self._api.call(self._site, "GET", f"{self._path}/event/{said[what]}", self._token)
        except httpx.HTTPStatusError:
            return {}

    def body(self, what: str, said: Mapping[str, str]) -> str | None:
        """The text of it."""
        found = self.event(what, said).get("content", {}).get("body")
        return None if found is None else str(found)

    def replaced_by(self, what: str, said: Mapping[str, str]) -> str | None:
        """The edit that is shown in its place."""
        relations = self.event(what, said).get("unsigned", {}).get("m.relations", {})
        found = relations.get("m.replace", {}).get("event_id")
        return None if found is None else str(found)
