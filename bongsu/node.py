"""One running node: its parts, and the one path by which a record reaches disk, view and waiting clients."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bongsu import authority, drafts, enrolment, limits, suspicion
from bongsu.authority import Certificate
from bongsu.canonical import unpadded_base64
from bongsu.clock import Clock, next_stamp
from bongsu.config import Config
from bongsu.errors import FatalError, MatrixError, forbidden
from bongsu.files import make_data_folder
from bongsu.live.alarm import Alarm
from bongsu.live.behind import Behind
from bongsu.live.delivered import Delivered
from bongsu.live.expiry import TypingExpiry
from bongsu.live.lazy import LazyMembers
from bongsu.live.shared import Shared
from bongsu.live.signs import Signs
from bongsu.live.soon import Soon
from bongsu.live.waiters import Waiters
from bongsu.live.wake import Wake
from bongsu.log.key import NodeKey
from bongsu.log.record import Draft, Record
from bongsu.log.store import Damaged, LogStore
from bongsu.log.vector import Vector
from bongsu.passwords import Passwords
from bongsu.promises import Promises
from bongsu.ratelimit import RateLimiter
from bongsu.view import registers
from bongsu.view.apply import apply_records
from bongsu.view.cache import Cache
from bongsu.view.changes import Changes
from bongsu.view.checkpoint import Checkpointer
from bongsu.view.client_event import ClientEvents
from bongsu.view.context import Context
from bongsu.view.db import Database
from bongsu.view.opening import damaged, open_view, rebuild_beside
from bongsu.view.released import Released
from bongsu.view.sessions import Requester
from bongsu.view.unfilled import Unfilled
from bongsu.view.waiting import without_waiting

logger = logging.getLogger(__name__)

MINUTE_MS = 60_000
REVOKED = (
    "This site was shut out of the service by its operators, so it takes nothing new; what is here can be "
    "read. Use another site. Operators: enrol a new node with a new key in its place."
)


def _ignore(_: str) -> None:
    """What happens to news that nobody asked for."""


class Node:
    """Everything a request handler may use. Built once in `serve`, owned by the loop thread."""

    def __init__(self, config: Config, clock: Clock, log: LogStore, context: Context) -> None:
        self.config = config
        self.clock = clock
        self.log = log
        self.context = context
        self.wake = Wake()
        self.live = Signs(clock.monotonic, clock.now_ms())
        self.soon = Soon(self._notify_soon)
        self.typing_expiry = TypingExpiry(self.live, clock.monotonic, self.notify_room)
        self.passwords = Passwords()
        self.promises = Promises(
            log.key.node,
            waits=config.has_several_sites and config.role == "core",
            bound_s=config.promise_ms / 1000,
            tells=config.has_several_sites,
        )
        self.client_events = ClientEvents(context, self.promises.is_held_here)
        self.lazy_members = LazyMembers()
        self.shared = Shared()
        self.delivered = Delivered(context, clock.monotonic, clock.now_ms)
        # (counts of one-time keys, types of unused fallback keys) by device
        self.key_counts: Cache[tuple[str, str], tuple[dict[str, int], list[str]]] = Cache(20_000)
        # When a device was last heard of here; never on disk.
        self.last_seen: Cache[tuple[str, str], int] = Cache(20_000)
        self.sessions: Cache[bytes, Requester] = Cache(20_000)
        self.rate = RateLimiter(clock.monotonic, enabled=config.rate_limits, factor=config.rate_limit_factor)
        # What a token may cover: all that is applied, but for what waits for an event that is not here.
        self.applied_vector: Vector = log.vector()
        self.vector: Vector = self.shown(self.applied_vector)
        self.position = context.db.cursor
        self._checkpointer = Checkpointer(context.db.path)
        # Told of users whose clients sync: peers hear of it.
        self.on_present: Callable[[str], None] = _ignore
        # Told of every applied batch: push, and whatever else must never hold a message up.
        self.listeners: list[Callable[[Changes], None]] = []
        self.fatal: asyncio.Future[FatalError] | None = None
        # Whether a peer said that it holds nothing of this node's earlier starts that is not here.
        self.confirmed = not config.has_several_sites
        self.stopping = False
        # Told of every batch that is on disk, before it is shown: the links to other nodes.
        self.committed_listeners: list[Callable[[list[Record]], None]] = []
        self.unfilled = Unfilled()
        self.released = Released(self.position)
        # By user and device: the token with which it came while bodies lacked that it may have seen.
        self.came: Cache[tuple[str, str], str] = Cache(limits.USERS_IN_MEMORY_MAX)
        self._waiters = Waiters()
        self.applied = asyncio.Event()  # set, and replaced, whenever more is applied
        self._releasing = Alarm(self._release_late)
        self.behind = Behind(clock.monotonic)

    @classmethod
    def open(
        cls,
        config: Config,
        clock: Clock,
        progress: Callable[[int, int], None],
        *,
        fresh_view: bool = False,
        repaired: bool = False,
        open_log: Callable[..., LogStore] = LogStore.open,
    ) -> "Node":
        """Open the data directory and apply what the view lacks; with `fresh_view` the view is built anew.
        `repaired`: log.db may lack the end of what this node wrote. `open_log`: the simulator's bad disks.
        Raises:
            StoreDamaged, FatalError: the store cannot be trusted; the sentence says what to do.
        """
        make_data_folder(data := Path(config.data))
        config = enrolment.with_root_key(config)
        # A key without a log has written before. Peers take a start for newer than those they know by its
        # number, so where starts may be forgotten it is counted in minutes, of which each has at most one.
        repaired = repaired or ((data / "node.key").exists() and suspicion.log_is_gone(config))
        key = NodeKey.open(data / "node.key")
        config = enrolment.as_certified(config, key.node)
        log = open_log(
            data / "log.db",
            key,
            clock=clock,
            free_bytes_min=config.free_bytes_min,
            admin_contact=config.admin_contact or "",
            ordinal_min=(clock.now_ms() - limits.BUILD_DATE_MS) // MINUTE_MS if repaired else 0,
        )
        try:
            return cls._on(config, clock, log, progress, fresh_view=fresh_view)
        except BaseException as error:
            log.close()
            if isinstance(error, Damaged):
                raise damaged(error) from error
            raise

    @classmethod
    def _on(
        cls,
        config: Config,
        clock: Clock,
        log: LogStore,
        progress: Callable[[int, int], None],
        *,
        fresh_view: bool,
    ) -> "Node":
        root_key = None if config.root_key is None else authority.read_key(config.root_key)
        path = Path(config.data) / "view.db"
        if fresh_view:
            # Only now: the log's lock says that no server runs on this view.
            rebuild_beside(path, log, root_key, clock.now_ms, progress)
        context = open_view(path, log, root_key, clock.now_ms, progress)
        stored = registers.get(context, "service", "", "", "server_name")
        node = cls(enrolment.check_same_service(stored, config), clock, log, context)
        log.on_committed = node._committed
        log.on_fatal = node.fail
        log.on_damaged = node.suspect
        return node

    async def write(self, *drafts: Draft) -> list[Record]:
        """Append records and wait until they are on disk, safe as far as promised, and applied.

        Raises:
            MatrixError: 403 M_RESOURCE_LIMIT_EXCEEDED, the disk is nearly full; 403 M_FORBIDDEN, this node
                is revoked. Nothing was written.
        """
        if self.revoked:
            self.context.live.forget_all()
            raise forbidden(REVOKED)
        try:
            records = await asyncio.shield(self.log.append(drafts))
        except MatrixError:
            self.context.live.forget_all()
            raise
        if records[-1].position > self.position:
            if self.log.fatal is not None:
                raise self.log.fatal
            await self._waiters.wait(records[-1].position)
        return records

    async def introduce(self) -> None:
        """Record who this node is, where its log does not say so; before that nothing it writes counts.

        Raises:
            FatalError: the service has a root key, and this node no certificate of it.
        """
        if self.revoked:
            logger.critical("%s", REVOKED)
            return
        mine = self._own_certificate()
        if self.certificate_of(mine.node) != mine:
            stamp = next_stamp(self.now_ms())
            public = self.log.key.public
            await self.write(drafts.node(public, mine.role, mine.site, stamp, mine.text or None))
        named = registers.get(self.context, "service", "", "", "server_name") is not None
        if not named and mine.role == authority.CORE:
            name, stamp = self.config.server_name, next_stamp(self.now_ms())
            await self.write(drafts.register("service", "", "", "server_name", name, stamp))
        key = self.log.key
        here = {
            "name": mine.site,
            "base_url": self.config.base_url,
            "role": mine.role,
            "seal_key": unpadded_base64(key.seal_public),
            **self.config.place_field,
        }
        if registers.get(self.context, "site", "", "", key.node.hex()) != here:
            stamp = registers.stamp_after(self.context, self.now_ms(), "site", "", "", key.node.hex())
            await self.write(drafts.register("site", "", "", key.node.hex(), here, stamp))

    def _own_certificate(self) -> Certificate:
        """What this node may show for itself."""
        node = self.log.key.node
        if self.context.authorities.root_key is None:
            return enrolment.certificate_without_root(self.config, node)
        mine = enrolment.certificate_in_force(self.config, node, self.certificate_of(node))
        # The certificate decides where a node stands; settings that contradict it were refused.
        self.config = replace(self.config, site=mine.site, role=mine.role)
        return mine

    def certificate_of(self, node: bytes) -> Certificate | None:
        """What a node is, or None if nobody with authority has said so yet."""
        return self.context.authorities.certificate(node)

    @property
    def revoked(self) -> bool:
        """Whether this node was shut out of the service, as far as it knows."""
        return self.log.key.node in self.context.authorities.revocations()

    def replace_view(self, db: Database) -> None:
        """Serve from a view that was derived again. Its cursor is that of the one it replaces."""
        assert db.cursor == self.context.db.cursor, "a view that lags would show clients less than before"
        self._checkpointer.wait()
        self.context.db.take_over(db)
        self.context.forget_all()
        self.context.authorities.restart()
        self.vector = self.shown(self.applied_vector)
        self.context.touched.restart(self.position)
        self.released = Released(self.position)
        self.context.hollows.resume()
        self.client_events.forget_all()
        self.shared.forget_all()
        self.lazy_members.forget_all()
        self.key_counts.clear()
        self.sessions.clear()
        self.wake.notify_all()

    def shown(self, vector: Vector) -> Vector:
        """The vector without events that wait for others, and what their logs hold behind them."""
        self.holds_back = (shown := without_waiting(self.context, vector)) is not vector
        return shown

    def now_ms(self) -> int:
        """The node's clock."""
        return self.clock.now_ms()

    def joined(self, room_id: str) -> set[str]:
        """The joined members of a room in memory; empty if nobody has used the room lately."""
        live = self.context.live.peek(room_id)
        return set() if live is None else live.joined

    def notify_room(self, room_id: str) -> None:
        """Wake the joined members of a room."""
        if live := self.context.live.find(room_id):
            self.wake.notify(live.joined)

    def _committed(self, records: list[Record]) -> None:
        self.promises.committed(records, self.log.vector(), self.clock.monotonic())
        for listener in self.committed_listeners:
            listener(records)
        if self.config.has_several_sites and all(record.log.node != self.log.key.node for record in records):
            # Their author is told first that they are on disk: a sender waits there for that.
            return self._releasing.hasten(limits.APPLY_DELAY_S)
        self.release()

    def release(self) -> None:
        """Show what may be shown now, and look again at the bound."""
        batches = self.promises.ready(self.clock.monotonic())
        if batches:
            self._apply([record for batch in batches for record in batch.records], batches[-1].vector)
            self._waiters.reached(self.position)
        deadline_s, now_s = self.promises.deadline_s, self.clock.monotonic()
        if deadline_s is not None and (deadline_s <= now_s or not self._releasing.is_set):
            self._releasing.set(max(0.0, deadline_s - now_s))

    def _release_late(self) -> None:
        with suppress(Damaged):  # `_apply` has said that the node stops, and nobody waits here
            self.release()

    def _apply(self, records: list[Record], vector: Vector) -> None:
        try:
            changes = apply_records(self.context, records)
        except Damaged as damage:
            self.fail(damaged(damage))
            self.suspect(damage)
            raise
        except Exception as error:
            logger.exception("applying records %d to %d failed", records[0].position, records[-1].position)
            self.fail(FatalError(f"A record could not be applied ({error}). Run `bongsu verify`."))
            raise
        for event_id in changes.stale:
            self.client_events.forget(event_id)
        for device in changes.key_counts:
            self.key_counts.drop(device)
        if changes.ended_sessions:
            self.sessions.clear()
        self.position = records[-1].position
        self.released.note(self.position, changes.released)
        self.applied_vector = vector
        self.vector = self.shown(vector)
        self.applied.set()
        self.applied = asyncio.Event()
        self.wake.notify(self._concerned(changes))
        for listener in self.listeners:
            listener(changes)
        self._checkpointer.after_batch()

    def _concerned(self, changes: Changes) -> Iterable[str]:
        if changes.everybody:
            return self.wake.everybody
        concerned = set(changes.users)
        if self.wake.waiting:
            for room in changes.rooms:
                live = self.context.live.find(self.context.events.room_id(room))
                if live is not None:
                    concerned |= live.joined
            for room in changes.read - changes.rooms:
                room_id = self.context.events.room_id(room)
                if len(self.joined(room_id)) < limits.SOON_MEMBERS_MIN:
                    concerned |= self.joined(room_id)
                else:
                    # Everybody reads on at once: five hundred receipts must not wake five hundred each.
                    self.soon.add_rooms((room_id,))
        return concerned

    def _notify_soon(self, room_ids: set[str]) -> None:
        self.wake.notify(set[str]().union(*map(self.joined, room_ids)))

    def suspect(self, damage: Damaged) -> None:
        """A record is not what was written. With peers to fill it from, the node stops and is repaired.

        Raises:
            Damaged: it stops, so nobody is to be shown what is left of the record.
        """
        logger.error("%s", damage)
        if self.config.has_several_sites:
            suspicion.note(Path(self.config.data), damage)
            self.fail(FatalError(f"{damage} The next start sets it aside and fills up from the other sites."))
            raise damage

    def fail(self, error: FatalError) -> None:
        """Something is wrong that only a restart, or a person, repairs: the node stops."""
        logger.critical("%s", error)
        self._waiters.fail(error)
        if self.fatal is not None and not self.fatal.done():
            self.fatal.set_result(error)

    def stop(self) -> None:
        """Answer waiting polls now; new ones do not wait."""
        self.stopping = True
        self.soon.stop()
        self.typing_expiry.stop()
        self.wake.notify_all()

    def wait_for_nobody(self) -> None:
        """From now on a record is shown as soon as it is on disk here."""
        self.promises.nobody()
        self.release()

    async def finish(self) -> None:
        """Record what is known only in memory and worth a record, once nobody is served any more."""
        rest = self.delivered.rest()
        if rest and self.log.fatal is None:
            # On a full disk the messages are kept longer, that is all.
            with suppress(MatrixError):
                await self.write(*rest)

    def close(self) -> None:
        """Write what is queued and close the files."""
        self.log.close()
        self._releasing.cancel()
        self._checkpointer.close()
        self.passwords.close()
        self.context.db.close()
