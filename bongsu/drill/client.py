"""One person of a drill: writes, reads, and goes to the next site when this one does not answer."""

import asyncio
import json
import random
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

SEND_TIMEOUT_S = 2.0
SYNC_TIMEOUT_MS = 5_000
SYNC_SILENCE_S = 3.0  # beyond the poll's own time-out
RETRY_S = (0.1, 0.4)
CONNECT_TIMEOUT_S = 1.0
# As much as one answer gives; of a longer backlog the person pages what was left out.
FILTER = '{"room":{"timeline":{"limit":500}}}'
PAGE_EVENTS = "500"
PAGE_TIMEOUT_S = 20.0
API = "/_matrix/client/v3"
NOT_HEARD_YET = "x-bongsu-not-heard-yet"  # another site may know more
PROMISE = "kr.bongsu.promise"  # in an answer: the site alone has it


@dataclass(slots=True)
class Sent:
    """One message: when it was first tried and acknowledged (seconds of the drill), where, and how often."""

    number: int
    began_s: float
    acked_s: float
    site: str
    event_id: str
    tries: int
    # The site said that it alone has it: it may burn with that site.
    held_here: bool = False

    @property
    def fields(self) -> list[Any]:
        """As JSON."""
        return [
            self.number,
            self.began_s,
            self.acked_s,
            self.site,
            self.event_id,
            self.tries,
            self.held_here,
        ]


@dataclass(slots=True)
class Person:
    """What a load process keeps of each of its people."""

    name: str
    home: str
    room_id: str
    access_token: str
    user_id: str
    since: str
    # Whether this person writes without end; who does not may still be given messages to send.
    writes: bool = True
    sent: list[Sent] = field(default_factory=list)
    # (when, sender, number) in the order in which this person's syncs brought them.
    seen: list[tuple[float, str, int]] = field(default_factory=list)
    limited: int = 0
    moves: int = 0


class Client:
    """Drives one person against the sites in order of preference, the home site first."""

    def __init__(
        self,
        person: Person,
        sites: dict[str, str],
        http: aiohttp.ClientSession,
        start: float,
        home_after_s: float | None = None,
    ) -> None:
        """`home_after_s`: how long the person stays elsewhere before it tries its home; None: for good."""
        self.person = person
        self._urls = sites
        self._order = [person.home, *(site for site in sites if site != person.home)]
        self._http = http
        self._start = start
        self._site = 0
        self._home_after_s = home_after_s
        self._moved_s = 0.0
        self._choice = random.Random(person.name)  # noqa: S311
        # Event ids of the room that the person was shown, and of these what was paged and no sync brought.
        self._shown: set[str] = set()
        self._paged: set[str] = set()
        self.per_second = 1.0
        self.stopping = False

    @property
    def site(self) -> str:
        """Where the person is now."""
        return self._order[self._site]

    async def write(self) -> None:
        """Send numbered messages, each until it is acknowledged, in order, each once."""
        number = 0
        while not self.stopping:
            number += 1
            await self.send(number)
            await asyncio.sleep(self._choice.expovariate(self.per_second))

    async def read(self) -> None:
        """Sync without end."""
        while not self.stopping:
            await self._sync(SYNC_TIMEOUT_MS)

    async def finish(self) -> None:
        """Sync until nothing comes any more."""
        quiet = 0
        while quiet < 2:
            before = len(self.person.seen)
            await self._sync(300)
            quiet = quiet + 1 if len(self.person.seen) == before else 0

    def _now(self) -> float:
        return time.monotonic() - self._start

    def _move(self, site: int) -> None:
        # The reader and the writer of a person may find out at once: one move.
        if site == self._site and len(self._order) > 1:
            self._site = (self._site + 1) % len(self._order)
            self._moved_s = self._now()
            self.person.moves += 1

    def _where(self) -> int:
        away = self._site != 0 and self._home_after_s is not None
        if away and self._now() - self._moved_s > (self._home_after_s or 0):
            self._site = 0
            self.person.moves += 1
        return self._site

    async def send(self, number: int) -> None:
        """Send one message, again and again until it is acknowledged, here or elsewhere."""
        person = self.person
        path = f"{API}/rooms/{person.room_id}/send/m.room.message/{person.name}-{number}"
        body = {"msgtype": "m.text", "body": f"{person.name} {number}", "n": number}
        began, tries = self._now(), 0
        while True:
            tries += 1
            site = self._where()
            status, answer = await self._request("PUT", site, path, SEND_TIMEOUT_S, json=body)
            if status == 200:
                event_id, here = answer["event_id"], PROMISE in answer
                name = self._order[site]
                person.sent.append(Sent(number, began, self._now(), name, event_id, tries, here))
                return
            await self._pause()

    async def _sync(self, timeout_ms: int) -> None:
        person, site = self.person, self._where()
        query = {
            "since": person.since,
            "timeout": str(timeout_ms),
            "set_presence": "offline",
            "filter": FILTER,
        }
        limit_s = timeout_ms / 1000 + SYNC_SILENCE_S
        status, answer = await self._request("GET", site, f"{API}/sync", limit_s, params=query)
        if status != 200:
            return await self._pause()
        await self._take(answer, site)

    async def _request(
        self, method: str, site: int, path: str, limit_s: float, **arguments: Any
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON; status 0 where nobody answered, and then the person has moved on."""
        limit = aiohttp.ClientTimeout(total=limit_s, sock_connect=CONNECT_TIMEOUT_S)
        url = self._url(site) + path
        try:
            async with self._http.request(
                method, url, headers=self._headers(), timeout=limit, **arguments
            ) as answer:
                if answer.status >= 500 or NOT_HEARD_YET in answer.headers:
                    self._move(site)
                return answer.status, await answer.json()
        except (aiohttp.ClientError, TimeoutError, ValueError):
            self._move(site)
            return 0, {}

    async def _take(self, answer: dict[str, Any], site: int) -> None:
        person = self.person
        person.since = answer["next_batch"]
        room = answer.get("rooms", {}).get("join", {}).get(person.room_id, {})
        timeline = room.get("timeline", {})
        events = timeline.get("events", [])
        if timeline.get("limited"):
            person.limited += 1
            left_out = await self._page(timeline["prev_batch"], site)
            events = [*left_out, *events]
            self._paged |= {event["event_id"] for event in left_out}
        now = self._now()
        for event in events:
            self._see(event, now)

    def _see(self, event: dict[str, Any], now: float) -> None:
        event_id, number = event["event_id"], event["content"].get("n")
        if event_id in self._shown and event_id in self._paged:
            # History had it before the sync that it belonged to.
            self._paged.discard(event_id)
            return
        self._shown.add(event_id)
        if event["type"] == "m.room.message" and isinstance(number, int):
            self.person.seen.append((now, event["sender"], number))

    async def _page(self, place: str | None, site: int) -> list[dict[str, Any]]:
        """What a limited timeline left out, oldest first: all of the room's history that was not shown yet.

        A merge brings what sorts far back, so nothing but the beginning of the room says that it is all.
        """
        found: list[dict[str, Any]] = []
        path = f"{API}/rooms/{self.person.room_id}/messages"
        while place is not None:
            query = {"dir": "b", "limit": PAGE_EVENTS, "from": place}
            status, answer = await self._request("GET", site, path, PAGE_TIMEOUT_S, params=query)
            if status != 200:
                # The token is a place in history, which every site understands.
                await self._pause()
                site = self._where()
                continue
            found += [event for event in answer["chunk"] if event["event_id"] not in self._shown]
            place = answer.get("end")
        return found[::-1]

    def _url(self, site: int) -> str:
        return self._urls[self._order[site]]

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.person.access_token}"}

    async def _pause(self) -> None:
        await asyncio.sleep(self._choice.uniform(*RETRY_S))


@asynccontextmanager
async def connected(ca: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Connections to the sites of a laboratory. `ca`: the file of its authority; empty: no TLS."""
    context: ssl.SSLContext | bool = ssl.create_default_context(cafile=ca) if ca else True
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, limit=0)) as http:
        yield http


def dump(people: list[Person]) -> str:
    """What a load process tells of its people when it ends."""
    fields = [
        {
            "name": person.name,
            "home": person.home,
            "room_id": person.room_id,
            "user_id": person.user_id,
            "sent": [sent.fields for sent in person.sent],
            "seen": person.seen,
            "writes": person.writes,
            "limited": person.limited,
            "moves": person.moves,
        }
        for person in people
    ]
    return json.dumps(fields)
