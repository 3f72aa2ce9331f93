"""The work: each scenario prepares its users and rooms, runs, checks for losses, and returns figures."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any
from urllib.parse import quote

from bench.http import Client
from bench.process import cpu_s, rss_mib

TEXT = "봉수대에 불이 오르면 이웃 봉수대가 받아 올린다. " * 4  # about 200 characters of Korean
Figures = dict[str, float]


@dataclass
class Target:
    """A homeserver under measurement. `pids`: its processes; empty if unknown, then CPU is not shown."""

    name: str
    url: str
    pids: list[int]
    seconds: float = 8.0
    run: str = field(default_factory=lambda: f"{int(time.time()):x}")
    _users: int = 0

    async def user(self) -> Client:
        """A new user."""
        self._users += 1
        client = Client(self.url)
        await client.register(f"bench{self.run}u{self._users}")
        return client

    async def users(self, count: int) -> list[Client]:
        """New users, a few at a time."""
        made: list[Client] = []
        while len(made) < count:
            made += await asyncio.gather(*(self.user() for _ in range(min(4, count - len(made)))))
        return made

    def cpu(self) -> float:
        """CPU seconds of the server so far."""
        return cpu_s(self.pids)


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def _timed(work: Callable[[], Awaitable[Any]]) -> float:
    start = time.perf_counter()
    await work()
    return time.perf_counter() - start


async def send(target: Target, writers: int) -> Figures:
    """Acknowledged messages a second: each writer in a room of its own, one message after the other."""
    clients = await target.users(writers)
    rooms = [await client.create_room() for client in clients]
    times: list[float] = []
    sent: list[list[str]] = [[] for _ in clients]
    start, cpu = time.perf_counter(), target.cpu()

    async def write(index: int) -> None:
        number = 0
        while time.perf_counter() - start < target.seconds:
            began = time.perf_counter()
            sent[index].append(await clients[index].send(rooms[index], TEXT, f"s{number}"))
            times.append(time.perf_counter() - began)
            number += 1

    await asyncio.gather(*(write(index) for index in range(writers)))
    elapsed, cost = time.perf_counter() - start, target.cpu() - cpu
    lost = 0
    for client, room, ids in list(zip(clients, rooms, sent, strict=True))[:8]:
        lost += len(set(ids[-100:]) - set(await _history(client, room, 1)))
    return {
        "acked_per_s": len(times) / elapsed,
        "p50_ms": 1000 * median(times),
        "p99_ms": 1000 * _quantile(times, 0.99),
        "cpu_ms": 1000 * cost / len(times),
        "lost": lost,
    }


async def _history(client: Client, room_id: str, pages: int) -> list[str]:
    found: list[str] = []
    start = ""
    for _ in range(pages):
        query = f"?dir=b&limit=100{start}"
        answer = await client.call("GET", f"v3/rooms/{quote(room_id, safe='')}/messages", query=query)
        found += [event["event_id"] for event in answer["chunk"]]
        if "end" not in answer:
            break
        start = "&from=" + quote(answer["end"], safe="")
    return found


def _texts(answer: dict[str, Any]) -> list[str]:
    """The bodies of the messages in a sync answer."""
    return [
        event["content"]["body"]
        for joined in answer.get("rooms", {}).get("join", {}).values()
        for event in joined["timeline"]["events"]
        if event["type"] == "m.room.message"
    ]


async def fanout(target: Target, members: int, per_s: float) -> Figures:
    """From a message's send to its arrival at every member that waits in /sync."""
    writer, *readers = await target.users(members + 1)
    room = await writer.create_room()
    for reader in readers:
        await reader.join(room)
    arrivals: dict[str, list[float]] = {}
    expected = max(5, int(per_s * target.seconds))
    done = asyncio.Event()
    count = 0

    async def read(reader: Client) -> None:
        nonlocal count
        while not done.is_set():
            answer = await reader.sync(30_000)
            for text in _texts(answer):
                arrivals.setdefault(text, []).append(reader.answered_s)
                count += 1
            if count >= expected * members:
                done.set()

    for reader in readers:
        await reader.sync()
    tasks = [asyncio.ensure_future(read(reader)) for reader in readers]
    await asyncio.sleep(1)
    sent: dict[str, float] = {}
    cpu = target.cpu()
    begin = time.perf_counter()
    for number in range(expected):
        await asyncio.sleep(max(0.0, begin + number / per_s - time.perf_counter()))
        sent[f"m{number}"] = time.perf_counter()
        await writer.send(room, f"m{number}", f"f{number}")
    with contextlib.suppress(TimeoutError):  # what is missing then is counted
        await asyncio.wait_for(done.wait(), 120)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    delays = [at - sent[name] for name, found in arrivals.items() for at in found]
    return {
        "p50_ms": 1000 * median(delays),
        "p99_ms": 1000 * _quantile(delays, 0.99),
        "cpu_ms_per_delivery": 1000 * (target.cpu() - cpu) / len(delays),
        "missing": expected * members - len(delays),
    }


async def resume(target: Target, clients: int) -> Figures:
    """The hour after a fail-over: clients with old tokens sync at once; 2 rooms, 40 missed messages each."""
    readers = await target.users(clients)
    rooms = [await readers[0].create_room() for _ in range(2)]
    for reader in readers[1:]:
        for room in rooms:
            await reader.join(room)
    for reader in readers:
        await reader.sync()
    for room in rooms:
        for number in range(40):
            await readers[0].send(room, TEXT, f"r{number}")
    cpu, seen = target.cpu(), 0

    async def catch_up(reader: Client) -> None:
        nonlocal seen
        answer = await reader.sync()
        seen += sum(len(joined["timeline"]["events"]) for joined in answer["rooms"]["join"].values())

    elapsed = await _timed(lambda: asyncio.gather(*(catch_up(reader) for reader in readers)))
    return {"all_s": elapsed, "cpu_ms": 1000 * (target.cpu() - cpu) / clients, "events": seen / clients}


async def joins(target: Target, size: int, measured: int) -> Figures:
    """The last `measured` joins into a public room that grows to `size`."""
    owner = await target.user()
    room = await owner.create_room()
    people = await target.users(size)
    for person in people[:-measured]:
        await person.join(room)
    cpu = target.cpu()
    times = [await _timed(partial(person.join, room)) for person in people[-measured:]]
    return {"p50_ms": 1000 * median(times), "cpu_ms": 1000 * (target.cpu() - cpu) / measured}


async def history(target: Target, events: int) -> Figures:
    """A walk over a room's history in pages of 100."""
    writers = await target.users(8)
    room = await writers[0].create_room()
    for writer in writers[1:]:
        await writer.join(room)

    async def fill(writer: Client) -> None:
        for number in range(events // len(writers)):
            await writer.send(room, TEXT, f"h{number}")

    await asyncio.gather(*(fill(writer) for writer in writers))
    pages = events // 100
    cpu, found = target.cpu(), []
    start = time.perf_counter()
    found = await _history(writers[0], room, pages)
    elapsed = time.perf_counter() - start
    return {
        "events_per_s": len(found) / elapsed,
        "cpu_ms_per_page": 1000 * (target.cpu() - cpu) / pages,
        "doubled": len(found) - len(set(found)),
    }


async def logins(target: Target, count: int) -> Figures:
    """People logging in at once and doing their first sync."""
    people = await target.users(count)
    room = await people[0].create_room()
    for person in people[1:]:
        await person.join(room)
    names = [person.user_id[1:].partition(":")[0] for person in people]
    cpu = target.cpu()

    async def arrive(name: str) -> None:
        client = Client(target.url)
        await client.login(name)
        await client.sync()

    elapsed = await _timed(lambda: asyncio.gather(*(arrive(name) for name in names)))
    return {"per_s": count / elapsed, "cpu_ms": 1000 * (target.cpu() - cpu) / count}


async def connected(target: Target, clients: int) -> Figures:
    """Memory and CPU with clients that wait in /sync while nothing happens."""
    readers = await target.users(clients)
    for reader in readers:
        await reader.sync()
    tasks = [asyncio.ensure_future(reader.sync(25_000)) for reader in readers]
    await asyncio.sleep(3)
    cpu, start = target.cpu(), time.perf_counter()
    await asyncio.sleep(10)
    share = (target.cpu() - cpu) / (time.perf_counter() - start)
    figures = {"rss_mib": rss_mib(target.pids), "cpu_percent": 100 * share}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return figures
