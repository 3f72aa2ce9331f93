"""Sends notifications to push gateways: at least once by event id, and never in the way of a message."""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bongsu import drafts, limits
from bongsu.errors import MatrixError
from bongsu.gateway import alerts
from bongsu.gateway.addresses import AddressRefused
from bongsu.gateway.client import GatewayClient
from bongsu.gateway.request import RequestError
from bongsu.gateway.shares import Shares
from bongsu.gateway.web_push import Subscription, WebPushKey, is_web_push, subscription
from bongsu.live.background import Background
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.push.rules import NOTHING, outcome, tweaks
from bongsu.view import members, pushers, registers
from bongsu.view.cache import Cache
from bongsu.view.changes import Changes
from bongsu.view.events import EventRow
from bongsu.view.notified import names_of
from bongsu.view.pushers import Pusher
from bongsu.view.receipts import receipts_of
from bongsu.view.unread import actions_for, thread_of_row, unread

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Notification:
    """One event for one user, or (row None) an alert, or only the number on the badge."""

    row: EventRow | None
    tweaks: dict[str, Any]
    alert: str | None = None


_Key = tuple[str, str, str]  # user, app, push key


@dataclass(slots=True)
class _Queue:
    """What waits for one pusher, in order."""

    pusher: Pusher
    waiting: deque[_Notification] = field(default_factory=lambda: deque(maxlen=limits.PUSH_QUEUE_MAX))
    task: asyncio.Task[None] | None = None
    badge: int = 0
    # Whether this node adds to it; what it holds is told to its end all the same.
    mine: bool = False

    @property
    def key(self) -> _Key:
        """What it is called by."""
        return self.pusher.user_id, self.pusher.app_id, self.pusher.pushkey


class PushSender:
    """Listens to what the node applies; judges and sends in tasks of its own."""

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node = node
        self._shares = Shares(node, peers)
        self._links = Background(self._watch_links)
        self._client = GatewayClient(allow_private=node.config.push_allow_private)
        self._key = WebPushKey(node.log.key.derive)
        self._queues: dict[_Key, _Queue] = {}
        self._users: dict[str, list[_Queue]] = {}
        # Events to be judged, for these queues; None: for all.
        self._rows: deque[tuple[EventRow, frozenset[_Key] | None]] = deque()
        self._changed: set[str] = set()
        self._alerts: deque[str] = deque()
        # Alerts that were told: a second signature is no news.
        self._alerted: Cache[str, bool] = Cache(1_000)
        self._judging: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen. What the last run may not have sent is sent again; gateways know event ids."""
        context = self._node.context
        for pusher in pushers.all_pushers(context):
            self._changed.add(pusher.user_id)
        self._alerts.extend(alerts.recent(self._node, self._again_since()))
        self._node.listeners.append(self._applied)
        self._judging = asyncio.get_running_loop().create_task(self._begin(set(self._changed)))
        self._links.start()

    async def _begin(self, user_ids: set[str]) -> None:
        await self._shares.linked()
        await self._again(user_ids, None)
        await self._judge()

    def _again_since(self) -> int:
        return self._node.now_ms() - limits.PUSH_AGAIN_MS

    async def _again(self, user_ids: set[str], only: frozenset[_Key] | None) -> None:
        """Judge the events of the last minutes for these users (again); others run after every room."""
        context = self._node.context
        rooms = {each.room for user_id in user_ids for each in members.rooms_of(context, user_id)}
        for room in sorted(rooms):
            rows = context.events.rows(
                "room=? AND stamp>? AND verdict=0 ORDER BY position", (room, self._again_since())
            )
            self._rows.extend((row, only) for row in rows)
            await asyncio.sleep(0)

    async def _watch_links(self) -> None:
        """When a site is gone, what it may not have told is told from here. A link may come back at once."""
        loop, seen, since_s = asyncio.get_running_loop(), self._shares.others(), 0.0
        while True:
            changed, others = self._shares.peers.changed, self._shares.others()
            if others != seen:
                seen, since_s = others, loop.time()
            for queue in self._queues.values():
                queue.mine = queue.mine and self._is_mine(queue.pusher)
            left_s = since_s + limits.PUSH_TAKE_OVER_S - loop.time()
            if left_s <= 0:
                await self._take_over()
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s if left_s > 0 else None):
                    await changed.wait()

    async def _take_over(self) -> None:
        gained = [queue for queue in self._queues.values() if not queue.mine and self._is_mine(queue.pusher)]
        for queue in gained:
            queue.mine = True
        if gained:
            users = {queue.pusher.user_id for queue in gained}
            await self._again(users, frozenset(queue.key for queue in gained))
            self._wake()

    def _is_mine(self, pusher: Pusher) -> bool:
        return is_web_push(pusher.app_id, pusher.value) or self._shares.is_mine(pusher)

    @property
    def waiting(self) -> int:
        """How many notifications wait for their gateways, and events for their judgement."""
        return len(self._rows) + sum(len(queue.waiting) for queue in self._queues.values())

    async def close(self) -> None:
        """Stop sending; what is unsent is sent after the next start."""
        self._node.listeners.remove(self._applied)
        await self._links.close()
        tasks = [queue.task for queue in self._queues.values() if queue.task is not None]
        if self._judging is not None:
            tasks.append(self._judging)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()

    def _applied(self, changes: Changes) -> None:
        # Runs between a message's commit and its answer: so it only takes note.
        self._changed |= changes.users
        if self._users or self._changed:
            self._rows.extend((row, None) for row in changes.events)
            self._alerts.extend(sorted(changes.alerts))
            self._wake()

    def _wake(self) -> None:
        if self._judging is None and (self._rows or self._changed or self._alerts):
            self._judging = asyncio.get_running_loop().create_task(self._judge())

    async def _judge(self) -> None:
        """Find whom to tell, letting others run after every user."""
        try:
            while self._rows or self._changed or self._alerts:
                while self._changed:
                    self._reload(self._changed.pop())
                    await asyncio.sleep(0)
                if self._alerts:
                    self._judge_alert(self._alerts.popleft())
                elif self._rows:
                    await self._judge_row(*self._rows.popleft())
        except Exception:
            logger.exception("a notification could not be judged")
        finally:
            self._judging = None

    def _reload(self, user_id: str) -> None:
        """Read a user's pushers again; if the user has read on, tell their badges."""
        found = []
        for pusher in pushers.pushers_of(self._node.context, user_id):
            if self._is_another_nodes(pusher):
                continue
            key = (user_id, pusher.app_id, pusher.pushkey)
            queue = self._queues.get(key)
            if queue is None:
                queue = self._queues[key] = _Queue(pusher, mine=self._is_mine(pusher))
            queue.pusher = pusher
            found.append(queue)
        for queue in self._users.pop(user_id, []):
            if queue not in found:
                self._drop(queue)
        if not found:
            return
        self._users[user_id] = found
        for queue in found:
            if queue.badge and not queue.waiting and self._badge(user_id) < queue.badge:
                self._add(queue, _Notification(None, {}))

    def _is_another_nodes(self, pusher: Pusher) -> bool:
        """A browser's push service takes messages only from the node whose key it was given."""
        return (
            is_web_push(pusher.app_id, pusher.value) and pusher.value["data"].get("vapid") != self._key.public
        )

    def _drop(self, queue: _Queue) -> None:
        self._queues.pop(queue.key, None)
        queue.waiting.clear()
        queue.badge = 0

    def _judge_alert(self, name: str) -> None:
        told = alerts.audience(self._node, name, set(self._users))
        if not told or self._alerted.get(name) is not None:
            return
        self._alerted.put(name, True)
        for user_id in sorted(told):
            for queue in self._users.get(user_id, []):
                # Before whatever waits: nothing is more urgent.
                queue.waiting.appendleft(_Notification(None, {}, name))
                self._send_on(queue)

    async def _judge_row(self, row: EventRow, only: frozenset[_Key] | None) -> None:
        context = self._node.context
        room_id = context.events.room_id(row.room)
        live = context.live.find(room_id)
        concerned = self._users.keys() & (set() if live is None else live.joined)
        if row.type == "m.room.member" and row.state_key in self._users:
            concerned.add(row.state_key)
        for user_id in sorted(concerned - {row.sender}):
            queues = [each for each in self._users.get(user_id, []) if each.mine]
            if only is not None:
                queues = [each for each in queues if each.key in only]
            if not queues:
                continue
            event = context.events.load(row.position, row.event_id, room_id)
            actions = actions_for(context, event, user_id)
            if outcome(actions) != NOTHING and not self._read(row, user_id):
                for queue in queues:
                    self._add(queue, _Notification(row, tweaks(actions)))
            await asyncio.sleep(0)

    def _read(self, row: EventRow, user_id: str) -> bool:
        context = self._node.context
        member = members.member(context, row.room, user_id)
        if member is None or member.membership not in ("join", "invite"):
            return True
        thread = thread_of_row(context, row)
        receipts = receipts_of(context, row.room, user_id)
        return any(each.covers(row.stamp, row.event_id, row.position, thread) for each in receipts)

    def _badge(self, user_id: str) -> int:
        """Unread notifications in all rooms, and invitations."""
        total = 0
        for member in members.rooms_of(self._node.context, user_id):
            if member.membership == "join":
                total += sum(count for count, _ in unread(self._node.context, member).values())
            total += member.membership == "invite"
        return total

    def _add(self, queue: _Queue, notification: _Notification) -> None:
        queue.waiting.append(notification)
        self._send_on(queue)

    def _send_on(self, queue: _Queue) -> None:
        if queue.task is None:
            queue.task = asyncio.get_running_loop().create_task(self._send_all(queue))

    async def _send_all(self, queue: _Queue) -> None:
        """Send what waits for a pusher, in order; pause ever longer while its gateway refuses."""
        tries = 0
        try:
            while queue.waiting:
                notification = queue.waiting[0]
                try:
                    await self._send(queue, notification)
                except (RequestError, AddressRefused) as error:
                    tries += 1
                    logger.info("the push gateway of %s: %s", queue.pusher.app_id, error)
                    if tries < limits.PUSH_TRIES_MAX:
                        await asyncio.sleep(min(2**tries / 8, limits.PUSH_RETRY_S_MAX))
                        continue
                tries = 0
                # An alert may have come before it meanwhile.
                with suppress(ValueError):
                    queue.waiting.remove(notification)
                # What was read while something waited or was on its way was told by nothing.
                if not queue.waiting and queue.badge and self._badge(queue.pusher.user_id) < queue.badge:
                    queue.waiting.append(_Notification(None, {}))
        except Exception:
            logger.exception("a notification could not be sent")
        finally:
            queue.task = None

    async def _send(self, queue: _Queue, notification: _Notification) -> None:
        pusher = queue.pusher
        row = notification.row
        if notification.alert is not None:
            return await self._tell_alert(pusher, notification.alert)
        if row is not None and self._read(row, pusher.user_id):
            return
        queue.badge = self._badge(pusher.user_id)
        if is_web_push(pusher.app_id, pusher.value):
            await self._tell_browser(pusher, notification, queue.badge)
        else:
            await self._tell_gateway(pusher, notification, queue.badge)

    async def _tell_browser(self, pusher: Pusher, notification: _Notification, badge: int) -> None:
        row = notification.row
        to = subscription(pusher.pushkey, pusher.value["data"])
        # A browser must show something for each message it is sent: a number alone is not worth that.
        if row is None or to is None:
            return
        told: dict[str, Any] = {
            "event_id": row.event_id,
            "room_id": self._node.context.events.room_id(row.room),
            "unread": badge,
            "lang": pusher.value["lang"],
            "prio": _priority(notification),
        }
        if pusher.value["data"].get("names") is True:
            told |= names_of(self._node.context, row)
        await self._push(pusher, to, told)

    async def _push(self, pusher: Pusher, to: Subscription, told: dict[str, Any]) -> None:
        subject = self._node.config.base_url
        body, headers = self._key.message(to, told, subject, self._node.now_ms() // 1000)
        if not await self._client.push(to.endpoint, body, headers):
            await self._forget(pusher)

    async def _tell_gateway(self, pusher: Pusher, notification: _Notification, badge: int) -> None:
        row = notification.row
        counts = {"unread": badge} if badge else {}
        body: dict[str, Any] = {"devices": [_device(pusher, notification.tweaks)], "counts": counts}
        if row is not None:
            body["event_id"] = row.event_id
            body["room_id"] = self._node.context.events.room_id(row.room)
            body["prio"] = _priority(notification)
        rejected = await self._client.post(pusher.url, {"notification": body})
        if pusher.pushkey in rejected:
            await self._forget(pusher)

    async def _tell_alert(self, pusher: Pusher, name: str) -> None:
        if is_web_push(pusher.app_id, pusher.value):
            to = subscription(pusher.pushkey, pusher.value["data"])
            if to is not None:
                told = {**alerts.notification(self._node, name, {}), "lang": pusher.value["lang"]}
                await self._push(pusher, to, told)
            return
        device = _device(pusher, {"sound": "default"})
        told = {**alerts.notification(self._node, name, device["data"]), "devices": [device]}
        if pusher.pushkey in await self._client.post(pusher.url, {"notification": told}):
            await self._forget(pusher)

    async def _forget(self, pusher: Pusher) -> None:
        """The gateway knows the push key no longer: delete the pusher."""
        node = self._node
        key = (pushers.FAMILY, pusher.user_id, pusher.app_id, pusher.pushkey)
        stamp = registers.stamp_after(node.context, node.now_ms(), *key)
        try:
            await node.write(drafts.register(*key, None, stamp))
        except MatrixError as error:
            logger.warning("a rejected pusher could not be deleted: %s", error.error)


def _device(pusher: Pusher, effects: dict[str, Any]) -> dict[str, Any]:
    return {
        "app_id": pusher.app_id,
        "pushkey": pusher.pushkey,
        "pushkey_ts": pusher.stamp // 1000,
        "data": {name: value for name, value in pusher.value["data"].items() if name != "url"},
        "tweaks": effects,
    }


def _priority(notification: _Notification) -> str:
    loud = "sound" in notification.tweaks or notification.tweaks.get("highlight") is True
    return "high" if loud else "low"
