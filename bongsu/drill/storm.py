"""Everybody logs in at once, as after a fire: how long each waits. Clients have forgotten their sessions."""

import asyncio
import ssl
import time

import aiohttp

from bongsu.drill.client import API
from bongsu.drill.town import PASSWORD
from bongsu.lab.plan import Plan

LOGIN_S_MAX = 60.0


def log_in(plan: Plan, people: int, sites: list[str]) -> list[float]:
    """Log every person in at one of these sites, all in the same moment; the seconds each took.

    A log-in that is told to wait is tried again when it was told to.
    """
    return asyncio.run(_log_in(plan, people, [node.url for node in plan.nodes if node.site in sites]))


async def _log_in(plan: Plan, people: int, urls: list[str]) -> list[float]:
    context: ssl.SSLContext | bool = ssl.create_default_context(cafile=plan.ca) if plan.ca else True
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, limit=0)) as http:
        return list(
            await asyncio.gather(
                *(_one(http, urls[number % len(urls)], f"p{number}") for number in range(people))
            )
        )


async def _one(http: aiohttp.ClientSession, url: str, name: str) -> float:
    began = time.monotonic()
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": name},
        "password": PASSWORD,
    }
    limit = aiohttp.ClientTimeout(total=LOGIN_S_MAX)
    while time.monotonic() - began < LOGIN_S_MAX:
        async with http.post(f"{url}{API}/login", json=body, timeout=limit) as answer:
            told = await answer.json()
            if answer.status == 200:
                return time.monotonic() - began
        await asyncio.sleep(told.get("retry_after_ms", 1_000) / 1_000)
    return LOGIN_S_MAX
