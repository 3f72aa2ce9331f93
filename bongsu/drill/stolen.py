"""The drill `stolen-hub`: a hub is taken and lies in its residents' names, until the root key shuts it out.

One hub meets only another hub meanwhile, one only couriers: whoever hears of it believes him no more."""

import asyncio
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from bongsu import __version__
from bongsu.bearer import carry
from bongsu.clock import SystemClock
from bongsu.config_load import load
from bongsu.drill.client import API
from bongsu.drill.hub_faults import COURIER
from bongsu.drill.loot import can_read, loot
from bongsu.drill.thief import FORGED, lie
from bongsu.drill.town import PASSWORD, Api
from bongsu.drill.until import until
from bongsu.lab import commands, processes
from bongsu.lab.plan import NodePlan, Plan
from bongsu.node import Node
from bongsu.operate.against import ask, compare

STOLEN, MEETS_A_HUB, MEETS_COURIERS = "h1", "h2", "h3"
CORE = "a"
WAIT_S = 60.0
REFUSED_S = 3.0
RESIDENCY = "/_bongsu/client/v1/residency"
FAIR, UNHEARD, SECRET, PRIVATE = "said before", "said unheard", "a secret", "of others only"


@dataclass(slots=True)
class StolenOutcome:
    """What was found. `heard_s`: from the revocation until a site showed nothing of the thief's any more."""

    loot: dict[str, int] = field(default_factory=dict)
    believed: list[str] = field(default_factory=list)
    heard_s: dict[str, float] = field(default_factory=dict)
    # Of the courier's file: how many parts were needed until the revocation was known, and how many it has.
    parts_needed: int = 0
    parts: int = 0
    broken: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "drill": "stolen-hub",
            "release": __version__,
            "thief_can_read": self.loot,
            "believed_before": self.believed,
            "disbelieved_after_s": self.heard_s,
            "revocation_in_part": [self.parts_needed, self.parts],
            "broken": self.broken,
        }


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the drill."""

    user_id: str
    token: str
    hub: str


def run(folder: Path, *, tls: bool, progress: Callable[[str], None]) -> StolenOutcome:
    """Run the drill in a new laboratory in `folder`, which has ended when this returns.

    Raises:
        FatalError: the laboratory did not start.
    """
    progress("starting a data centre and three hubs")
    lab = commands.up(folder, 1, tls=tls, hubs=3)
    api = Api(lab)
    try:
        return _Stolen(lab, api, progress).run()
    finally:
        api.close()
        commands.down(lab)


class _Stolen:
    """One run."""

    def __init__(self, lab: Plan, api: Api, progress: Callable[[str], None]) -> None:
        self._lab, self._api, self._progress = lab, api, progress
        self._outcome = StolenOutcome()
        self._trust: ssl.SSLContext | bool = ssl.create_default_context(cafile=lab.ca) if lab.ca else True
        self._people: dict[str, list[Person]] = {}
        self._room = ""
        self._revoked_at = 0.0

    def run(self) -> StolenOutcome:
        """From the first account to the last look."""
        self._progress("people move in")
        self._settle()
        session = self._log_in_at_the_hub()
        self._say(self._people[STOLEN][0], self._room, FAIR)
        for site in (CORE, MEETS_A_HUB, MEETS_COURIERS):
            self._until(f"what was said is at {site}", self._shows, site, FAIR)
        for hub in (STOLEN, MEETS_A_HUB, MEETS_COURIERS):
            commands.link(self._lab, hub, "core", "none")
        self._say(self._people[STOLEN][0], self._room, UNHEARD)
        self._progress("the hub is taken")
        self._steal()
        self._spread()
        self._progress("the root key shuts it out")
        self._revoke()
        self._tell()
        self._progress("everybody looks again")
        self._look(session)
        return self._outcome

    def _settle(self) -> None:
        """Two residents at each hub; a room of all, an encrypted one, and one of another hub's alone."""
        hubs = (STOLEN, MEETS_A_HUB, MEETS_COURIERS)
        for hub in hubs:
            self._until(f"{hub} is linked", self._is_linked, CORE, hub)
        for number, hub in enumerate(hubs * 2):
            body = {"username": f"p{number}", "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
            made = self._api.call(CORE, "POST", f"{API}/register", json=body)
            self._api.call(CORE, "PUT", RESIDENCY, made["access_token"], json={"hub": hub})
            person = Person(made["user_id"], made["access_token"], hub)
            self._people.setdefault(hub, []).append(person)
        everybody = [person for people in self._people.values() for person in people]
        self._room = self._make_room(everybody)
        encrypted = self._make_room(self._people[STOLEN], encrypted=True)
        others = self._make_room(self._people[MEETS_A_HUB])
        secret = {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": SECRET[::-1]}
        self._send(CORE, self._people[STOLEN][0], encrypted, "m.room.encrypted", secret)
        self._send(CORE, self._people[MEETS_A_HUB][0], others, "m.room.message", _text(PRIVATE))
        for person in everybody:
            self._until(f"{person.user_id} is home", self._is_home, person, len(everybody))
        for room in (encrypted, others):
            owner = self._people[STOLEN if room == encrypted else MEETS_A_HUB][0]
            self._until(f"the room {room} is at its hub", self._knows, owner, room)

    def _make_room(self, members: list[Person], *, encrypted: bool = False) -> str:
        body: dict[str, Any] = {"preset": "public_chat"}
        if encrypted:
            algorithm = {"algorithm": "m.megolm.v1.aes-sha2"}
            body["initial_state"] = [{"type": "m.room.encryption", "state_key": "", "content": algorithm}]
        room = str(self._api.call(CORE, "POST", f"{API}/createRoom", members[0].token, json=body)["room_id"])
        for member in members[1:]:
            self._api.call(CORE, "POST", f"{API}/join/{room}", member.token, json={})
        return room

    def _log_in_at_the_hub(self) -> str:
        """A resident logs in at the hub; the token of that, once the data centre knows it too."""
        name = self._people[STOLEN][1].user_id
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": name},
            "password": PASSWORD,
        }
        token = str(self._api.call(STOLEN, "POST", f"{API}/login", json=body)["access_token"])
        self._until("the session made at the hub is known at the core", self._is_known, CORE, token)
        return token

    def _steal(self) -> None:
        """What the thief finds, and what he writes in others' names while the hub is off."""
        hub = self._node(STOLEN)
        processes.end([hub])
        self._outcome.loot, leaked = asyncio.run(_take(Path(hub.config)))
        if leaked:
            self._outcome.broken.append("A hub holds readable what was said in a room of no resident of it.")
        commands.start(self._lab, STOLEN)

    def _spread(self) -> None:
        """Nobody knows yet: another hub is linked with the thief's, and a courier carries his file on."""
        commands.link(self._lab, MEETS_A_HUB, STOLEN, "lan")
        self._bring(MEETS_COURIERS, self._fetch(STOLEN, MEETS_COURIERS))
        for site in (MEETS_A_HUB, MEETS_COURIERS):
            self._until(f"the thief is believed at {site}", self._shows, site, FORGED)
            self._outcome.believed.append(site)

    def _revoke(self) -> None:
        """As the page for operators says: by the command, at the data centre."""
        folder = Path(self._lab.folder)
        signs = (
            "--root",
            str(folder / commands.ROOT_FILE),
            "--passphrase-file",
            str(folder / commands.PASSPHRASE_FILE),
        )
        program = str(Path(sys.executable).parent / "bongsu")
        command = [program, "site", "revoke", "--url", self._node(CORE).url, *signs, "--at", "now", STOLEN]
        trusting = {**os.environ, "SSL_CERT_FILE": self._lab.ca} if self._lab.ca else None
        subprocess.run(command, check=True, capture_output=True, timeout=WAIT_S, env=trusting)  # noqa: S603
        self._revoked_at = time.monotonic()

    def _tell(self) -> None:
        """A courier brings the word to one hub, from which the other hears it by a link."""
        content = self._fetch(CORE, MEETS_COURIERS)
        parts = list(_parts(content))
        self._outcome.parts = len(parts)
        for count in range(1, len(parts) + 1):
            # A file that is cut short there: what is most urgent has to come first.
            self._bring(MEETS_COURIERS, content[: parts[count - 1]])
            if self._knows_revoked(MEETS_COURIERS):
                self._outcome.parts_needed = count
                break
        self._disbelieved(MEETS_COURIERS)
        commands.link(self._lab, MEETS_COURIERS, MEETS_A_HUB, "lan")
        self._disbelieved(MEETS_A_HUB)

    def _disbelieved(self, site: str) -> None:
        self._until(f"{site} shows nothing of the thief's any more", self._shows, site, FORGED, shown=False)
        self._outcome.heard_s[site] = time.monotonic() - self._revoked_at

    def _look(self, session: str) -> None:
        """The thief tries again everywhere; then the links return, and everybody shows the same."""
        broken = self._outcome.broken
        answer = self._post(MEETS_COURIERS, self._fetch(STOLEN, MEETS_COURIERS))
        if answer.status_code != 400:
            broken.append(f"A file of the revoked hub was answered by {answer.status_code}.")
        commands.link(self._lab, STOLEN, "core", "lan")
        self._until("the data centre refuses the thief's hub", self._refused_at, CORE)
        for hub in (MEETS_A_HUB, MEETS_COURIERS):
            commands.link(self._lab, hub, "core", "lan")
        if self._is_known(CORE, session):
            broken.append("A session made at the stolen hub goes on at the data centre.")
        last = "and life goes on"
        self._say(self._people[MEETS_A_HUB][0], self._room, last)
        there = (CORE, MEETS_A_HUB, MEETS_COURIERS)
        for site in there:
            self._until(f"what was said afterwards is at {site}", self._shows, site, last)
            bodies = self._bodies(site)
            broken += [f"The thief's words stand at {site}."] if FORGED in bodies else []
            broken += [f"What was said before is gone at {site}."] if FAIR not in bodies else []
            broken += [f"The stolen hub is linked with {site}."] if self._is_linked(site) else []
        broken += compare([partial(ask, self._node(site).private) for site in there], WAIT_S)

    # What is asked of sites

    def _node(self, site: str) -> NodePlan:
        found = self._lab.find(site)
        assert isinstance(found, NodePlan)
        return found

    def _say(self, person: Person, room: str, words: str) -> None:
        self._send(person.hub, person, room, "m.room.message", _text(words))

    def _send(self, site: str, person: Person, room: str, kind: str, content: dict[str, Any]) -> None:
        path = f"{API}/rooms/{room}/send/{kind}/{time.monotonic_ns()}"
        self._api.call(site, "PUT", path, person.token, json=content)

    def _bodies(self, site: str) -> list[str]:
        """What a site shows of the room of all, to a resident; lies of any kind count as FORGED."""
        person = self._people[MEETS_A_HUB if site == CORE else site][0]
        path = f"{API}/rooms/{self._room}/messages"
        query = {"dir": "b", "limit": "500"}
        chunk = self._api.call(site, "GET", path, person.token, params=query)["chunk"]
        return [
            FORGED if FORGED in str(each["content"]) else each["content"].get("body", "") for each in chunk
        ]

    def _is_home(self, person: Person, members: int) -> bool:
        path = f"{API}/rooms/{self._room}/joined_members"
        try:
            return len(self._api.call(person.hub, "GET", path, person.token)["joined"]) == members
        except httpx.HTTPStatusError:
            return False

    def _knows(self, person: Person, room: str) -> bool:
        try:
            path = f"{API}/rooms/{room}/messages"
            query = {"dir": "b", "limit": "1"}
            chunk = self._api.call(person.hub, "GET", path, person.token, params=query)["chunk"]
        except httpx.HTTPStatusError:
            return False
        return bool(chunk) and "state_key" not in chunk[0]

    def _is_known(self, site: str, token: str) -> bool:
        try:
            self._api.call(site, "GET", f"{API}/account/whoami", token)
        except httpx.HTTPStatusError:
            return False
        return True

    def _status(self, site: str, hub: str) -> dict[str, Any]:
        """What a site says of a hub; nothing where it does not know it."""
        url = f"{self._node(site).private}/_bongsu/node/v1/status"
        sites = httpx.get(url, timeout=WAIT_S, trust_env=False).json()["sites"]
        return next((each for each in sites if each["site"] == hub), {})

    def _knows_revoked(self, site: str) -> bool:
        return bool(self._status(site, STOLEN).get("revoked"))

    def _is_linked(self, site: str, hub: str = STOLEN) -> bool:
        return bool(self._status(site, hub).get("linked"))

    def _refused_at(self, site: str) -> bool:
        node = self._node(site)
        words = Path(node.config).parent / f"{node.name}.log"
        return "a link was refused" in words.read_text(encoding="utf-8", errors="replace")

    def _fetch(self, giver: str, taker: str) -> bytes:
        url = f"{self._node(giver).url}{COURIER}/export"
        answer = httpx.get(url, params={"to": taker}, verify=self._trust, timeout=WAIT_S, trust_env=False)
        return answer.raise_for_status().content

    def _bring(self, taker: str, content: bytes) -> None:
        self._post(taker, content).raise_for_status()

    def _post(self, taker: str, content: bytes) -> httpx.Response:
        url = f"{self._node(taker).url}{COURIER}"
        return httpx.post(url, content=content, verify=self._trust, timeout=WAIT_S, trust_env=False)

    def _shows(self, site: str, words: str, *, shown: bool = True) -> bool:
        return (words in self._bodies(site)) is shown

    def _until(self, what: str, holds: Callable[..., bool], *arguments: Any, **named: Any) -> None:
        """Wait until it holds of these; what never comes to be is a broken promise."""
        if not until(lambda: holds(*arguments, **named), WAIT_S):
            self._outcome.broken.append(f"It never came to be: {what}.")


async def _take(settings: Path) -> tuple[dict[str, int], bool]:
    """What the disk of a stopped hub holds, whether others' words are among it; and lies written into it."""
    node = Node.open(load({}, environment={}, file=settings), SystemClock(), lambda done, total: None)
    try:
        found, leaked = loot(node), can_read(node, PRIVATE.encode())
        await lie(node)
    finally:
        node.close()
    return found, leaked


def _text(words: str) -> dict[str, Any]:
    return {"msgtype": "m.text", "body": words}


def _parts(content: bytes) -> list[int]:
    """Where each part of a file ends, in bytes from its beginning. The seals are not opened."""
    at = len(carry.MAGIC)
    at += carry.LENGTH_BYTES + int.from_bytes(content[at : at + carry.LENGTH_BYTES], "big")
    at += carry.SIGNATURE_BYTES
    ends: list[int] = []
    while at < len(content):
        at += carry.LENGTH_BYTES + int.from_bytes(content[at : at + carry.LENGTH_BYTES], "big")
        ends.append(at)
    return ends
