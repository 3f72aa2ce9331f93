"""What must hold at the end of every run (issue 4, item 12): A to F of the reliability research."""

import asyncio
from hashlib import sha256
from typing import Any

from bongsu.sim.client import Client
from bongsu.sim.site import Site
from bongsu.sim.stage import Stage
from bongsu.view.context import Context
from bongsu.view.db import Database
from bongsu.view.rebuild import rebuild

# What every node must agree on: rows without positions, row numbers and what is local by intent.
SHARED = (
    "SELECT event_id, stamp, depth, type, sender, state_key, verdict, notify, replaces, redacted_by,"
    " relates_to, rel_type FROM events ORDER BY event_id",
    "SELECT room_id, event_id FROM heads JOIN rooms USING(room) ORDER BY room_id, event_id",
    "SELECT room_id, type, state_key, event_id FROM current_state JOIN rooms USING(room)"
    " ORDER BY room_id, type, state_key",
    "SELECT user_id, room_id, membership, event_id, display_name FROM members JOIN rooms USING(room)"
    " ORDER BY room_id, user_id",
    "SELECT user_id, created_ts, stamp, hex(author), deactivated, password, password_stamp FROM users"
    " ORDER BY user_id",
    "SELECT session, user_id, device_id, created_ts, password_stamp, generation, ended FROM sessions"
    " ORDER BY session",
    "SELECT hex(token_hash), session, kind, generation, expires_ts FROM tokens ORDER BY token_hash",
    "SELECT family, owner, key1, key2, value, stamp, hex(author) FROM registers"
    " ORDER BY family, owner, key1, key2",
    "SELECT room_id, user_id, type, thread, event_id, stamp, ts, written, hex(author) FROM receipts"
    " JOIN rooms USING(room) ORDER BY room_id, user_id, type, thread",
    "SELECT user_id, room_id, event_id FROM highlights JOIN events USING(position) JOIN rooms"
    " ON rooms.room=events.room ORDER BY user_id, room_id, event_id",
    "SELECT user_id, device_id, algorithm, key_id, digest, value, node FROM one_time_keys"
    " ORDER BY user_id, device_id, algorithm, key_id, digest",
    "SELECT user_id, device_id, hex(id) FROM to_device ORDER BY user_id, device_id, id",
    "SELECT hex(id) FROM to_device_ids ORDER BY id",
    "SELECT media_id, user_id, hex(hash), content_type, stamp FROM media ORDER BY media_id",
    "SELECT t.key, e.event_id FROM transactions t JOIN events e USING(position) ORDER BY t.key",
    "SELECT target, redaction FROM early_redactions ORDER BY target, redaction",
    "SELECT hex(node), role, site, certificate FROM nodes ORDER BY node",
    "SELECT hex(node), number FROM revocations ORDER BY node",
    # A receipt may wait for an event that burned, as long as it likes: it holds nothing back.
    "SELECT missing FROM waiting WHERE log IS NOT NULL ORDER BY missing",
    "SELECT event_id FROM lost ORDER BY event_id",
    "SELECT room_id, text FROM texts JOIN rooms USING(room) ORDER BY room_id, text",
    "SELECT user_id, text FROM names ORDER BY user_id",
    "SELECT room_id FROM open_rooms JOIN rooms USING(room) ORDER BY room_id",
)
# Beside those, what a rebuild of the same log must give again.
LOCAL = (
    "SELECT position, event_id FROM events ORDER BY position",
    "SELECT room, user_id, type, thread, position, record FROM receipts ORDER BY room, user_id, type, thread",
    "SELECT family, owner, key1, key2, position FROM registers ORDER BY family, owner, key1, key2",
    "SELECT user_id, room, changed, joined FROM members ORDER BY user_id, room",
    "SELECT position, user_id, device_id FROM to_device ORDER BY position",
    "SELECT user_id, device_id, algorithm, key_id, digest, position, stamp FROM one_time_keys"
    " ORDER BY user_id, device_id, algorithm, key_id, digest",
    "SELECT position FROM unauthorised ORDER BY position",
)


async def judge(world: Stage) -> str:
    """Check everything; a digest of what the first site holds."""
    if not await world.settled(60.0):
        _unsettled(world)
        return ""
    _same_views(world)
    for _ in world.sites[0].node.context.db.all("SELECT 1 FROM lost"):
        world.journal.count("events that nobody holds any more")
    for site in world.sites:
        _same_as_rebuilt(world, site)
        problems = site.node.log.verify().problems
        if problems:
            world.journal.fail(f"{site.name}: {problems[0]}")
    _nothing_lost(world)
    await _clients(world)
    return digest(world.sites[0].node.context)


def _unsettled(world: Stage) -> None:
    for site in world.sites:
        if not site.up:
            world.journal.fail(f"F: {site.name} does not run after everything was healed")
        else:
            node = site.node
            lag = node.log.head_position - node.position
            waits = [other.name for other in world.sites if other.up and not other.node.vector <= node.vector]
            stale = node.context.authorities.stale
            links = len(site.service.peers.links)
            world.journal.fail(
                f"F: the sites did not settle: {site.name} lacks what {waits} have, {lag} not applied,"
                f" stale {stale}, {links} links"
            )


def answers(context: Context, questions: tuple[str, ...]) -> dict[str, list[Any]]:
    """The rows of a view, by question."""
    return {question: context.db.all(question) for question in questions}


def digest(context: Context) -> str:
    """Of what every node must agree on."""
    return sha256(repr(answers(context, SHARED)).encode()).hexdigest()[:16]


def difference(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> str | None:
    """The first question that is answered differently, with what only one side has."""
    for question, rows in one.items():
        if rows != other[question]:
            left = [row for row in rows if row not in other[question]][:2]
            right = [row for row in other[question] if row not in rows][:2]
            table = question.partition(" FROM ")[2].partition(" ")[0]
            return f"{table}: {left} against {right}"
    return None


def _same_views(world: Stage) -> None:
    first = world.sites[0]
    expected = answers(first.node.context, SHARED)
    if world.revoked is None and not world.somebody_lies and expected[SHARED[18]]:
        world.journal.fail(f"records still wait for {expected[SHARED[18]][:3]}")
    for site in world.sites[1:]:
        found = difference(expected, answers(site.node.context, SHARED))
        if found is not None:
            world.journal.fail(f"B: {first.name} and {site.name} differ in {found}")


def _same_as_rebuilt(world: Stage, site: Site) -> None:
    node = site.node
    path = site.folder / "rebuilt.db"
    root_key = node.context.authorities.root_key
    db = rebuild(path, node.log, root_key, node.now_ms, lambda done, total: None)
    rebuilt = Context.build(db, node.log, root_key, node.now_ms)
    questions = SHARED + LOCAL
    found = difference(answers(node.context, questions), answers(rebuilt, questions))
    if found is not None:
        world.journal.fail(f"B: the view of {site.name} differs from its rebuild in {found}")
    db.close()
    Database.remove(path)


def _nothing_lost(world: Stage) -> None:
    """A: what was promised is in every view, and stands."""
    for kept in world.journal.kept.values():
        if kept.event_id in world.journal.burned:
            continue
        for site in world.sites:
            row = site.node.context.events.row(kept.event_id)
            excused = kept.log.node == world.revoked
            if (row is None or row.verdict != 0) and not excused:
                what = "lacks" if row is None else "rejects"
                world.journal.fail(f"A: {site.name} {what} {kept.event_id}, which {kept.why}")


async def _clients(world: Stage) -> None:
    """C and F: everybody gets on, and has missed nothing."""
    for client in world.clients:
        if client.out:
            continue
        for _ in range(20):
            if await client.sync(0):
                break
        else:
            if not client.out:
                world.journal.fail(f"F: {client.user_id} cannot sync any more")
            continue
        # What an unlabelled answer left out would come now.
        await client.sync(0)
        if client.steady:
            _no_gap(world, client)
            _in_order(world, client)
            lacking = world.journal.messages.get(client.user_id, set()) - client.messages
            if lacking:
                world.journal.fail(f"C: {client.user_id} never got the messages {sorted(lacking)[:3]}")
    await asyncio.sleep(0)


def _no_gap(world: Stage, client: Client) -> None:
    node = client.site.node
    for room_id, seen in client.seen.items():
        found = node.context.db.all(
            "SELECT event_id FROM events JOIN rooms USING(room) WHERE room_id=? AND verdict=0", (room_id,)
        )
        missing = {event_id for (event_id,) in found} - seen.keys() - _told_by_twins(node.context, seen)
        if missing:
            world.journal.fail(f"C: {client.user_id} was never shown {sorted(missing)[:3]} of {room_id}")


def _told_by_twins(context: Context, seen: dict[str, int]) -> set[str]:
    """Events of requests of which another event was shown."""
    groups: dict[int, set[str]] = {}
    for key, event_id in context.db.all("SELECT key, event_id FROM twins"):
        groups.setdefault(key, set()).add(event_id)
    return {event_id for group in groups.values() if group & seen.keys() for event_id in group}


def _in_order(world: Stage, client: Client) -> None:
    """What one person wrote through one site is shown in that order."""
    node = client.site.node
    for seen in client.seen.values():
        last: dict[Any, int] = {}
        for event_id in sorted(seen, key=seen.__getitem__):
            row = node.context.events.row(event_id)
            if row is None:
                continue  # burned
            record = node.log.read(row.position)
            name = (row.sender, record.log)
            if record.header.seq <= last.get(name, 0):
                world.journal.fail(f"C: {client.user_id} was shown {event_id} after what followed it")
            last[name] = record.header.seq
