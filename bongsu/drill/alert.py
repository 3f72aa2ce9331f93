"""The drill `alert`: how soon an alert is with every client that waits at three sites; whom it missed."""

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bongsu import __version__
from bongsu.canonical import unpadded_base64
from bongsu.drill.check import percentile
from bongsu.drill.client import API
from bongsu.drill.town import PASSWORD
from bongsu.lab import commands
from bongsu.lab.plan import Plan
from bongsu.log.key import NodeKey
from bongsu.rootkey import RootKey
from bongsu.tower import alert, brief, keys, signed
from bongsu.tower.keys import TowerKey

ALERTS = 6
POLL_MS = 30_000
LATE_S = 10.0
REGISTERING_AT_ONCE = 12
KEY_S = 30.0
BASE = "/_bongsu"


@dataclass(slots=True)
class Waiting:
    """A client that waits in /sync. `seen`: when each alert came, by id."""

    site: str
    url: str
    token: str
    since: str = ""
    seen: dict[str, float] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def has(self, name: str) -> None:
        """Return once the alert is here."""
        while name not in self.seen:
            self.news.clear()
            await self.news.wait()


@dataclass(slots=True)
class AlertOutcome:
    """What was measured. Seconds from before an alert was handed in until a client had read it."""

    clients: int = 0
    sent: list[tuple[str, str, float]] = field(default_factory=list)  # (id, site, handed in for seconds)
    waits_s: list[float] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "drill": "alert",
            "release": __version__,
            "clients": self.clients,
            "alerts": len(self.sent),
            "reached": len(self.waits_s),
            "missed": len(self.missed),
            "reached_p50_s": percentile(self.waits_s, 0.50),
            "reached_p95_s": percentile(self.waits_s, 0.95),
            "reached_p99_s": percentile(self.waits_s, 0.99),
            "reached_max_s": max(self.waits_s, default=None),
            "handed_in_max_s": max((took for _, _, took in self.sent), default=None),
            "broken": self.missed[:20],
        }


def run(folder: Path, *, people: int, tls: bool, progress: Callable[[str], None]) -> AlertOutcome:
    """Run the drill in a new laboratory in `folder`, which has ended when this returns.

    Raises:
        FatalError: the laboratory did not start.
    """
    progress("starting three sites")
    lab = commands.up(folder, 3, tls=tls)
    try:
        return asyncio.run(_run(lab, folder, people, progress))
    finally:
        commands.down(lab)


async def _run(lab: Plan, folder: Path, people: int, progress: Callable[[str], None]) -> AlertOutcome:
    context: ssl.SSLContext | bool = ssl.create_default_context(cafile=lab.ca) if lab.ca else True
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(120)) as http:
        progress(f"settling {people} people")
        clients = await _settle(http, lab, people)
        officer = NodeKey.generate()
        await _install(http, lab, folder, officer)
        progress("everybody waits")
        readers = [asyncio.ensure_future(_read(http, client)) for client in clients]
        outcome = AlertOutcome(len(clients))
        try:
            # Their first long polls are on their way to the sites.
            await asyncio.sleep(2)
            for number in range(ALERTS):
                site = lab.nodes[number % len(lab.nodes)]
                progress(f"alert {number + 1} of {ALERTS} at {site.site}")
                await _alert(http, outcome, site.site, site.url, officer, number, clients)
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
        return outcome


async def _settle(http: aiohttp.ClientSession, lab: Plan, people: int) -> list[Waiting]:
    at_once = asyncio.Semaphore(REGISTERING_AT_ONCE)

    async def make(number: int) -> Waiting:
        node = lab.nodes[number % len(lab.nodes)]
        body = {"username": f"p{number}", "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
        async with at_once, http.post(f"{node.url}{API}/register", json=body) as answer:
            answer.raise_for_status()
            token = (await answer.json())["access_token"]
        client = Waiting(node.site, node.url, token)
        async with at_once:
            await _sync(http, client, 0)
        return client

    return await asyncio.gather(*(make(number) for number in range(people)))


async def _install(http: aiohttp.ClientSession, lab: Plan, folder: Path, officer: NodeKey) -> None:
    """Give the officer a tower key; return once every site knows it."""
    passphrase = (folder / commands.PASSPHRASE_FILE).read_text(encoding="utf-8").strip()
    root = await asyncio.to_thread(RootKey.load, folder / commands.ROOT_FILE, passphrase)
    now = _now_ms()
    key = TowerKey(officer.public, "훈련", keys.COMMANDER, issued_ms=now, expires_ms=now + 86_400_000)
    line = keys.certify(key, root.sign)
    async with asyncio.timeout(KEY_S):
        for node in lab.nodes:
            # Handed to each: whichever has it already writes nothing.
            url = f"{node.url}{BASE}/node/v1/tower_keys"
            async with http.post(url, json={"statement": line}) as answer:
                answer.raise_for_status()


async def _read(http: aiohttp.ClientSession, client: Waiting) -> None:
    while True:
        await _sync(http, client, POLL_MS)


async def _sync(http: aiohttp.ClientSession, client: Waiting, timeout_ms: int) -> None:
    query = {"timeout": str(timeout_ms), "set_presence": "offline"}
    if client.since:
        query["since"] = client.since
    headers = {"Authorization": f"Bearer {client.token}"}
    async with http.get(f"{client.url}{API}/sync", params=query, headers=headers) as answer:
        found = json.loads(await answer.read())
    came = time.monotonic()
    client.since = found["next_batch"]
    for each in found.get("kr.bongsu.alerts", {}).get("alerts", []):
        client.seen.setdefault(each["id"], came)
        client.news.set()


async def _alert(
    http: aiohttp.ClientSession,
    outcome: AlertOutcome,
    site: str,
    url: str,
    officer: NodeKey,
    number: int,
    clients: list[Waiting],
) -> None:
    """Hand one alert in, and see whom it reaches."""
    handed = _signed(officer, number)
    began = time.monotonic()
    async with http.post(f"{url}{BASE}/client/v1/alerts", json=handed) as answer:
        answer.raise_for_status()
        name = (await answer.json())["id"]
    outcome.sent.append((name, site, time.monotonic() - began))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LATE_S):
            for client in clients:
                await client.has(name)
    for number_of, client in enumerate(clients):
        if name in client.seen:
            outcome.waits_s.append(client.seen[name] - began)
        else:
            outcome.missed.append(
                f"Client {number_of} at {client.site} did not get the alert made at {site}."
            )


def _signed(officer: NodeKey, number: int) -> dict[str, Any]:
    sent = _now_ms()
    key = signed.key_id(officer.public)
    content = alert.check(
        {
            "sender": key,
            "sent": sent,
            "expires": sent + 3_600_000,
            "status": "Exercise",
            "msg_type": "Alert",
            "scope": "Public",
            "category": "Fire",
            "event": "산불",
            "urgency": "Immediate",
            "severity": "Extreme",
            "certainty": "Observed",
            "areas": [],
            "texts": {
                "ko": {
                    "headline": f"훈련 {number + 1}: 산불이 번집니다. 대피하십시오.",
                    "instruction": "훈련입니다.",
                },
                "en": {"headline": f"Exercise {number + 1}: wildfire. Evacuate."},
            },
        }
    )
    signature = signed.signature(signed.ALERT, content, officer.sign_bytes)
    payload = brief.payload(content)
    small = unpadded_base64(brief.sign(payload, officer.sign_bytes))
    return {"content": content, "signatures": {key: signature}, "briefs": {key: small}}


def _now_ms() -> int:
    return int(time.time()) * 1000
