"""What of the service is kept here in full, and how bodies that were withheld come. DESIGN 5.1, 7.

Headers go to everybody; a body to who may have its scope and says that it keeps it."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from bongsu import limits
from bongsu.bearer.frame import Unreadable
from bongsu.bearer.link import Link
from bongsu.errors import FatalError, MatrixError
from bongsu.hub import fill
from bongsu.hub.bodies import fillings, given
from bongsu.hub.fill import DIGEST_BYTES, Dot, Given
from bongsu.hub.interest import Interest, Interests, rooms_known
from bongsu.hub.lacking import Lacking
from bongsu.log.record import SERVICE, BodyState, Record
from bongsu.log.store import Damaged
from bongsu.log.vector import Vector
from bongsu.log.withheld import BEGINNING, Filling, Place
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.view.changes import Changes

logger = logging.getLogger(__name__)

KEEP, LATER, INTEREST, FILL = "keep", "later", "interest", "fill"
OFFSET_BYTES = 4


@dataclass(slots=True, eq=False)
class _Side:
    """One link, and what either end keeps."""

    link: Link
    # Of the peer: scopes whose bodies it takes with the records.
    kept: set[bytes] = field(default_factory=set)
    # Of this node: the same, as the peer was told; what the peer may give, and the digest it said last.
    told: set[bytes] = field(default_factory=set)
    allowed: frozenset[bytes] = frozenset()
    known: bytes = b""
    said: bytes = b""
    # Scopes to look at; None: all.
    dirty: set[bytes] | None = None
    pending: bool = False
    # A backlog comes without the bodies of rooms: they are asked for once its headers are here up to this.
    until: Vector | None = None
    before: Vector | None = None
    # Of which scope a record without its body came last: somebody writes there, so it goes first.
    recent: dict[bytes, int] = field(default_factory=dict)
    # Of which scopes one has come since bodies were asked for last.
    fresh: set[bytes] = field(default_factory=set)
    task: asyncio.Task[None] | None = None
    again: asyncio.TimerHandle | None = None


class Keeping:
    """Says on each link what is kept, gives bodies to who may have them, and asks for those that lack."""

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node = node
        self._peers = peers
        self.interests = Interests(node.context)
        self._sides: dict[Link, _Side] = {}
        self._timer: asyncio.TimerHandle | None = None
        peers.began.append(self._began)
        peers.ended.append(self._ended)
        peers.gives = self._gives
        peers.calls.news[KEEP] = self._told_keep
        peers.calls.news[LATER] = self._told_later
        peers.calls.news[INTEREST] = self._told_interest
        peers.calls.answers[INTEREST] = self._asked_interest
        peers.calls.answers[FILL] = self._asked_fill
        self._lacking = Lacking(node)
        own = self.own
        if own is not None:
            self._lacking.found(filter(own.scopes.__contains__, node.log.withheld().scopes()))
        node.committed_listeners.append(self._committed)
        node.listeners.append(self._applied)

    async def refill(self, fillings: Iterable[Filling]) -> int:
        """Take in bodies of records that are held without; how many fitted. Whoever carried them.

        Raises:
            MatrixError, FatalError: the disk is full, or has failed.
        """
        return await self._node.log.refill(fillings)

    # Giving

    def _gives(self, link: Link, scope: bytes) -> bool:
        """Whether a peer gets the bodies of a scope with the records."""
        if link.is_core or scope == SERVICE:
            return True
        side = self._sides.get(link)
        return side is not None and scope in side.kept and self.interests.allows(link.peer.node, scope)

    def _told_scopes(self, link: Link, body: bytes) -> tuple[_Side, list[bytes]] | None:
        """Of which scopes a peer says something; None: it cannot be read, or the link has ended."""
        side = self._sides.get(link)
        try:
            scopes = fill.read_scopes(body)
        except Unreadable as error:
            logger.warning("from site %s: %s", link.peer.details.site, error)
            return None
        return None if side is None else (side, scopes)

    def _told_keep(self, link: Link, body: bytes) -> None:
        if (told := self._told_scopes(link, body)) is None:
            return
        side, scopes = told
        if len(side.kept) + len(scopes) <= limits.SCOPES_KEPT_MAX:
            side.kept.update(scopes)

    def _wanted(self, link: Link, lacking: int) -> None:
        """A hub lacks so much that what is written from now on would wait behind it for long.

        Then it gets the headers first, and asks for the bodies of one room after the other.
        """
        side = self._sides.get(link)
        if side is None or link.is_core or lacking < limits.BACKLOG_RECORDS:
            return
        later = side.kept & rooms_known(self._node.context)
        side.kept -= later
        for page in fill.pages(later):
            link.tell(LATER, page)

    def _tell_interest(self, link: Link) -> None:
        interest = self.interests.of(link.peer.node)
        if not link.is_core and interest is not None:
            link.tell(INTEREST, interest.digest)

    async def _asked_interest(self, link: Link, body: bytes) -> bytes | None:
        """The digest, then a page of what the peer may have, from the offset it names on."""
        interest = self.interests.of(link.peer.node)
        if len(body) != OFFSET_BYTES or interest is None:
            return None
        listed = list(fill.pages(interest.scopes))
        number = int.from_bytes(body, "big")
        return interest.digest + (listed[number] if number < len(listed) else b"")

    async def _asked_fill(self, link: Link, body: bytes) -> bytes | None:
        try:
            dots = fill.read_ask(body)
        except Unreadable as error:
            logger.warning("from site %s: %s", link.peer.details.site, error)
            return None
        bodies: list[Given] = []
        size = 0
        for dot in dots:
            each = self._given(link, dot)
            size += 0 if each is None else len(each[1] or b"")
            if bodies and size > limits.FILL_BYTES:
                break
            bodies.append(each)
        return fill.answer(bodies)

    def _given(self, link: Link, dot: Dot) -> Given:
        def allowed(scope: bytes) -> bool:
            return link.is_core or self.interests.allows(link.peer.node, scope)

        return given(self._node.log, dot, allowed)

    # Keeping

    @property
    def own(self) -> Interest | None:
        """What this node keeps by its own view; None: everything."""
        return self.interests.of(self._node.log.key.node) if self._node.config.role == "hub" else None

    def _began(self, link: Link) -> None:
        side = self._sides[link] = _Side(link)
        link.on_wanted = self._wanted
        own = self.own
        if own is not None:
            # Before anything is wanted, so that no body is withheld that is kept already.
            self._tell_keep(side, [scope for scope in own.scopes if not self._lacks(scope)])
        self._tell_interest(link)
        self._wake(side)

    def _ended(self, link: Link) -> None:
        side = self._sides.pop(link, None)
        if side is not None:
            for each in (side.task, side.again):
                if each is not None:
                    each.cancel()

    def _lacks(self, scope: bytes) -> bool:
        return bool(self._node.log.withheld().of(scope))

    def _tell_keep(self, side: _Side, scopes: Iterable[bytes]) -> None:
        new = set(scopes) - side.told
        if new:
            side.told |= new
            for page in fill.pages(new):
                side.link.tell(KEEP, page)

    def _told_later(self, link: Link, body: bytes) -> None:
        """A peer has a backlog, and gives of these scopes headers alone until they are said to be kept."""
        if (told := self._told_scopes(link, body)) is not None:
            side, scopes = told
            side.told.difference_update(scopes)
            side.until, side.before = link.offered, None
            self._wake(side, scopes)

    def _told_interest(self, link: Link, body: bytes) -> None:
        side = self._sides.get(link)
        if side is not None and len(body) == DIGEST_BYTES:
            side.said = body
            self._wake(side, ())

    def _committed(self, records: list[Record]) -> None:
        self._lacking.filled(records)
        without = [record for record in records if record.state == BodyState.WITHHELD]
        if without:
            came = {record.header.scope: record.position for record in without}
            scopes = set(came)
            own = self.own
            for side in self._sides.values():
                wanted = (
                    scopes if own is None else {s for s in scopes if s in own.scopes or s in side.allowed}
                )
                # Kept before its people moved away, and whole no more: to be asked for when they come again.
                side.told -= scopes - wanted
                if wanted:
                    side.recent.update(came)
                    side.fresh |= wanted
                    self._wake(side, wanted)
                if own is not None:
                    self._lacking.came_without(without, wanted)
        self._look_at_headers()

    def _look_at_headers(self) -> None:
        """Begin to ask for bodies where all the headers of a backlog are here."""
        for side in self._sides.values():
            if side.until is not None:
                here = self._node.log.vector()
                if self._node.log.merged(here, side.until) == here:
                    side.until = None
                    self._wake(side, ())

    def _applied(self, changes: Changes) -> None:
        if changes.interest and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(limits.INTEREST_S, self._look_again)

    def _look_again(self) -> None:
        """Who is where has changed: what hubs may have, and what this one keeps, with it."""
        self._timer = None
        self.interests.refresh()
        for side in self._sides.values():
            self._tell_interest(side.link)
            if self._node.config.role == "hub":
                self._wake(side, ())

    def _wake(self, side: _Side, scopes: Iterable[bytes] | None = None) -> None:
        """Look at these scopes, and at those that were not looked at; None: at all."""
        side.dirty = (
            None if scopes is None or (side.dirty is None and side.pending) else (side.dirty or set())
        )
        if side.dirty is not None and scopes is not None:
            side.dirty.update(scopes)
        side.pending = True
        if side.task is None:
            side.task = asyncio.ensure_future(self._work(side))

    async def _work(self, side: _Side) -> None:
        try:
            while side.pending:
                side.pending = False
                dirty, side.dirty = side.dirty, set()
                await self._look(side, dirty)
        except (MatrixError, FatalError, Damaged) as error:
            logger.warning("bodies from site %s cannot be taken now: %s", side.link.peer.details.site, error)
            self._again(side)
        finally:
            side.task = None

    async def _look(self, side: _Side, dirty: set[bytes] | None) -> None:
        scopes = await self._scopes(side, dirty)
        if side.until is not None:
            side.dirty = set(scopes) | (side.dirty or set())
            return self._again(side)
        hub = self._node.config.role == "hub"
        lacking: list[bytes] = []
        whole: list[bytes] = []
        for number, scope in enumerate(scopes):
            (lacking if self._lacks(scope) else whole).append(scope)
            if number % limits.SCOPES_A_STRETCH == 0:
                await asyncio.sleep(0)
        if hub:
            self._tell_keep(side, whole)
            self._lacking.found(lacking)
        if not lacking:
            return
        await self._fill(side, lacking)
        filled = [scope for scope in lacking if not self._lacks(scope)]
        if hub:
            # What was withheld until the peer reads this is found when it comes.
            self._tell_keep(side, filled)
        if len(filled) < len(lacking):
            self._again(side)

    async def _scopes(self, side: _Side, dirty: set[bytes] | None) -> list[bytes]:
        own = self.own
        if own is None:
            return list(self._node.log.withheld().scopes() if dirty is None else dirty)
        if side.said != side.known:
            await self._ask_interest(side)
        mine = own.scopes | side.allowed
        return list(mine if dirty is None else (mine - side.told) | (dirty & mine))

    async def _ask_interest(self, side: _Side) -> None:
        scopes: set[bytes] = set()
        number, before = 0, b""
        while True:
            raw = await side.link.ask(INTEREST, number.to_bytes(OFFSET_BYTES, "big"), limits.FILL_S_MAX)
            if raw is None or (number > 0 and raw[:DIGEST_BYTES] != before):
                return  # it changed meanwhile: the peer says so
            before = raw[:DIGEST_BYTES]
            try:
                page = fill.read_scopes(raw[DIGEST_BYTES:])
            except Unreadable as error:
                logger.warning("from site %s: %s", side.link.peer.details.site, error)
                return
            scopes.update(page)
            number += 1
            if len(page) < limits.SCOPES_A_MESSAGE_MAX or len(scopes) > limits.SCOPES_KEPT_MAX:
                break
        side.allowed, side.known = frozenset(scopes), before

    async def _fill(self, side: _Side, scopes: list[bytes]) -> None:
        """Ask the peer for all that lacks in these scopes, page by page."""
        left = dict.fromkeys(scopes, BEGINNING)
        while left:
            asked, dots = self._page(side, left)
            while dots:
                raw = await side.link.ask(FILL, fill.ask(dots), limits.FILL_S_MAX)
                if raw is None:
                    return
                try:
                    bodies = fill.read_answer(raw, len(dots))
                except Unreadable as error:
                    logger.warning("from site %s: %s", side.link.peer.details.site, error)
                    return
                await self.refill(fillings(dots, bodies, side.link.peer.node, core=side.link.is_core))
                dots = dots[len(bodies) :]
            if self._node.config.role == "hub":
                # What is written there from now on comes with its body.
                self._tell_keep(
                    side, [scope for scope in asked if scope not in left and not self._lacks(scope)]
                )

    def _page(self, side: _Side, left: dict[bytes, Place]) -> tuple[list[bytes], list[Dot]]:
        """The next scopes and records to ask for, those first in which something was written last.

        What is left of the scopes stays in `left`.
        """
        # What came without its body since: somebody waits for it.
        left.update((scope, BEGINNING) for scope in sorted(side.fresh) if scope not in left)
        side.fresh.clear()
        asked: list[bytes] = []
        dots: list[Dot] = []
        withheld = self._node.log.withheld()
        for scope in sorted(left, key=lambda each: side.recent.get(each, 0), reverse=True):
            room = limits.FILL_RECORDS_MAX - len(dots)
            if room == 0:
                break
            found = withheld.of(scope, left[scope], room)
            if len(found) == room and dots:
                break  # a room that is cut in two is shown in two parts
            del left[scope]
            asked.append(scope)
            dots += [(log, seq) for _, log, seq in found]
            if len(found) == room:
                left[scope] = found[-1][0]
        return asked, dots

    def _again(self, side: _Side) -> None:
        """Ask again later: the peer may have got it by then."""
        if side.again is None and side.link in self._sides:
            loop = asyncio.get_running_loop()
            side.again = loop.call_later(limits.FILL_AGAIN_S, self._once_more, side)

    def _once_more(self, side: _Side) -> None:
        side.again = None
        here = self._node.log.vector()
        if side.before == here:
            side.until = None  # what the peer offered does not come: bodies of what is here do
        side.before = here
        self._wake(side)
