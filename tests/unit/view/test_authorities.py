"""Records of nodes without authority, beyond a cut, or by a delegate who lost it, at a real node."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bongsu import drafts, limits
from bongsu.clock import SystemClock
from bongsu.config import Config
from bongsu.errors import FatalError, MatrixError
from bongsu.log.record import EMPTY_BODY_HASH, Draft, Kind, Lane
from bongsu.node import Node
from bongsu.view import registers, sessions
from tests.helpers.service import ROOT_KEY, Reader, Site, certify, revoke
from tests.property.test_arrival_order import USERS, Writer

NAME = ("profile", USERS[0], "displayname", "")


def named(name: str, stamp: int) -> Draft:
    return drafts.register(*NAME, name, stamp, public=True)


class Service:
    """Two sites that write, and a node that reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.honest = Site(folder / "honest", "south")
        self.thief = Site(folder / "thief", "west")
        self.reader = Reader(folder / "reader")

    async def take(self, *sites: Site) -> None:
        """All that the sites have written since they were asked last arrives."""
        for site in sites or (self.honest, self.thief):
            for log, records in site.logs().items():
                held = dict(self.reader.node.log.held_of(site.key.node)).get(log, 0)
                if records[held:]:
                    await self.reader.take(site, records[held:])
        await self.reader.settled()

    async def revoke(self, number: int, seq: int | None, digest: bytes | None = None) -> None:
        """The thief is cut behind a record of its text lane; None: before all of them."""
        cuts = [] if seq is None else [self.thief.cut(Lane.TEXT, seq, digest)]
        text = revoke(self.thief.key.node, number, cuts)
        await self.honest.write(drafts.revocation(text, number))
        await self.take(self.honest)

    @property
    def name(self) -> object:
        return registers.get(self.reader.node.context, *NAME)

    def count(self, sql: str) -> int:
        return int(self.reader.node.context.db.value(sql))

    def close(self) -> None:
        self.reader.close()
        self.honest.log.close()
        self.thief.log.close()


Run = Callable[[Callable[[Service], Awaitable[None]]], None]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(test: Callable[[Service], Awaitable[None]]) -> None:
        async def opened() -> None:
            service = Service(tmp_path)
            await service.reader.node.introduce()
            try:
                await test(service)
            finally:
                service.close()

        asyncio.run(opened())

    return call


def test_a_stranger_is_stored_and_not_believed(run: Run) -> None:
    async def test(service: Service) -> None:
        for certificate in (
            None,
            certify(service.thief.key, by=service.thief.key),
            certify(service.thief.key)[:-6],
            service.honest.certificate,
        ):
            await service.thief.write(
                drafts.node(service.thief.key.public, "core", "west", 1, certificate), named("lie", 9)
            )
        await service.take(service.thief)
        assert service.name is None
        assert service.count("SELECT count(*) FROM unauthorised") == 4
        # The honest node's certificate counts for the honest node, whoever brought it.
        assert service.reader.node.certificate_of(service.thief.key.node) is None
        assert service.reader.node.certificate_of(service.honest.key.node) is not None

    run(test)


def test_what_waited_is_applied_when_the_authority_arrives(run: Run) -> None:
    async def test(service: Service) -> None:
        for number in range(2 * limits.ADMITTED_AT_ONCE + 7):
            await service.thief.write(named(f"n{number}", number + 1))
        await service.thief.introduce()
        await service.take(service.thief)
        assert service.name == f"n{2 * limits.ADMITTED_AT_ONCE + 6}"
        assert service.count("SELECT count(*) FROM unauthorised") == 0

    run(test)


def test_an_older_certificate_shown_again_changes_nothing(run: Run) -> None:
    async def test(service: Service) -> None:
        key, node = service.honest.key, service.reader.node
        for issued_ms, site, role in ((5, "new", "core"), (4, "old", "hub"), (5, "new", "core")):
            text = certify(key, role, site, issued_ms=issued_ms)
            await service.honest.write(drafts.node(key.public, role, site, 1, text))
        await service.take(service.honest)
        known = node.certificate_of(key.node)
        assert known is not None
        assert (known.site, known.role, known.issued_ms) == ("new", "core", 5)

    run(test)


def test_a_revocation_undoes_what_was_applied_and_a_later_one_lets_it_count_again(run: Run) -> None:
    async def test(service: Service) -> None:
        user = drafts.user(USERS[1], 1, 1)
        login = drafts.session(
            USERS[1], "DEVICE", "stolen", 0, [{"hash": "00" * 32, "kind": "access"}], 1, 1, 0
        )
        await service.honest.introduce()
        await service.honest.write(named("honest", 5), user)
        await service.take(service.honest)
        await service.thief.introduce()
        await service.thief.write(named("fair", 6), named("lie", 7), login)
        await service.take()
        assert service.name == "lie"
        assert [row.device_id for row in sessions.of_user(service.reader.node.context, USERS[1])] == [
            "DEVICE"
        ]
        await service.revoke(1, None)
        assert service.name == "honest"
        assert sessions.of_user(service.reader.node.context, USERS[1]) == []
        await service.revoke(2, 3)
        assert service.name == "fair"
        # An earlier one, shown again.
        await service.revoke(1, None)
        assert service.name == "fair"
        # Later records of the thief, by a courier.
        await service.thief.write(named("late lie", 9))
        await service.take()
        assert service.name == "fair"

    run(test)


def test_a_cut_that_names_another_hash_leaves_nothing(run: Run) -> None:
    async def test(service: Service) -> None:
        await service.thief.introduce()
        await service.thief.write(named("lie", 7), named("more", 8))
        records = next(iter(service.thief.logs().values()))
        await service.reader.take(service.thief, records[:3])
        assert service.name == "lie"
        # The record that the cut names is not here yet, so what is here may be what the root key meant.
        await service.revoke(1, 4, EMPTY_BODY_HASH)
        assert service.name == "lie"
        await service.take(service.thief)
        assert service.name is None

    run(test)


def test_only_the_root_key_shuts_out(run: Run) -> None:
    async def test(service: Service) -> None:
        await service.honest.introduce()
        await service.honest.write(named("honest", 5))
        forged = revoke(service.honest.key.node, 2**40, [], by=service.thief.key)
        await service.thief.introduce()
        for text in (forged, forged[:-4], "", "revocation:"):
            await service.thief.write(drafts.revocation(text, 1))
        await service.take()
        assert service.name == "honest"
        assert service.reader.node.context.authorities.revocations() == {}

    run(test)


def test_rejected_events_are_there_for_those_that_name_them(run: Run) -> None:
    async def test(service: Service) -> None:
        writer = Writer(1)
        await service.honest.introduce()
        await service.thief.introduce()
        await service.honest.write(*writer.drafts)
        told = len(writer.drafts)
        writer.add(USERS[0], "m.room.name", {"name": "lie"}, "")
        lie = writer.heads[0]
        writer.add(USERS[0], "m.room.message", {"body": "built on the lie"})
        await service.thief.write(writer.drafts[told])
        await service.honest.write(writer.drafts[told + 1])
        await service.take()
        context = service.reader.node.context
        name = "SELECT count(*) FROM current_state WHERE type='m.room.name'"
        assert service.count(name) == 1
        vector = service.reader.node.vector
        position = service.reader.node.position
        await service.revoke(1, 2)
        assert service.count(name) == 0
        row = context.events.row(lie)
        assert row is not None
        assert row.verdict == 1
        built = context.events.row(writer.heads[0])
        assert built is not None
        assert built.verdict == 0
        # What clients hold as tokens stays what it was.
        assert vector <= service.reader.node.vector
        assert context.db.cursor == service.reader.node.position > position

    run(test)


def test_what_a_revoked_delegate_signed_does_not_count(run: Run) -> None:
    async def test(service: Service) -> None:
        reader, thief = service.reader.node, service.thief.key
        delegate = certify(thief, delegates=True)
        await service.thief.write(drafts.node(thief.public, "core", "west", 1, delegate))
        await service.take(service.thief)
        hub = service.honest.key
        known = reader.certificate_of(thief.node)
        by_delegate = certify(hub, "hub", "hub-1", by=thief, issuer=known)
        await service.honest.write(drafts.node(hub.public, "hub", "hub-1", 1, by_delegate))
        await service.take(service.honest)
        found = reader.certificate_of(hub.node)
        assert found is not None
        assert (found.role, found.issuer) == ("hub", thief.node)
        await service.revoke(1, None)
        assert reader.certificate_of(hub.node) is None
        await service.honest.write(drafts.node(hub.public, "hub", "hub-1", 1, certify(hub, "hub", "hub-1")))
        await service.take(service.honest)
        assert reader.certificate_of(hub.node) is not None

    run(test)


def test_a_node_that_learns_of_its_end_takes_nothing_new(run: Run) -> None:
    async def test(service: Service) -> None:
        node = service.reader.node
        await node.write(named("mine", 1))
        text = revoke(node.log.key.node, 1, [])
        await service.thief.write(drafts.revocation(text, 1))
        await service.take(service.thief)
        with pytest.raises(MatrixError, match="shut out of the service"):
            await node.write(named("more", 2))
        assert node.revoked
        assert service.name is None
        # What others write still arrives.
        await service.honest.introduce()
        await service.honest.write(named("honest", 5))
        await service.take(service.honest)
        assert service.name == "honest"

    run(test)


def test_bodies_are_held_back_for_a_while(run: Run) -> None:
    async def test(service: Service) -> None:
        await service.honest.introduce()
        for stamp in (1, 2):
            await service.honest.write(named(f"n{stamp}", stamp))
            await service.take(service.honest)
        held = "SELECT count(*) FROM hollowing"
        assert service.count(held) == 1
        full = "SELECT position FROM hollowing"
        position = service.count(full)
        assert service.reader.node.log.read(position).body is not None
        service.reader.clock.ahead_ms = limits.HOLLOW_HOLD_MS + 1
        await service.honest.write(drafts.report("@a:b", None, None, None, "", 1, 3))
        await service.take(service.honest)
        # The log takes the body away in its own time, this behind it; a batch forgets what went before.
        await service.reader.node.log.hollow(position, None)
        assert service.reader.node.log.read(position).body is None
        await service.honest.write(drafts.report("@a:b", None, None, None, "", 1, 4))
        await service.take(service.honest)
        assert service.count(held) == 0

    run(test)


def test_a_stale_view_is_derived_again_at_the_next_start(tmp_path: Path) -> None:
    async def first(service: Service) -> None:
        await service.reader.node.introduce()
        await service.thief.introduce()
        await service.thief.write(named("lie", 7))
        await service.take(service.thief)
        # The process ends between learning of the revocation and deriving the view again.
        service.reader.node.listeners.clear()
        text = revoke(service.thief.key.node, 1, [])
        await service.reader.node.write(drafts.revocation(text, 1))
        assert service.reader.node.context.authorities.stale
        service.close()

    async def second(config: Config) -> None:
        node = Node.open(config, SystemClock(), lambda done, total: None)
        assert not node.context.authorities.stale
        assert registers.get(node.context, *NAME) is None
        node.close()

    async def opened() -> Config:
        service = Service(tmp_path)
        await first(service)
        return service.reader.config

    config = asyncio.run(opened())
    asyncio.run(second(config))


def test_a_node_without_a_certificate_says_what_to_run(tmp_path: Path) -> None:
    async def opened() -> None:
        config = Config(data=tmp_path, root_key=ROOT_KEY)
        node = Node.open(config, SystemClock(), lambda done, total: None)
        try:
            with pytest.raises(FatalError, match="bongsu site request"):
                await node.introduce()
            assert all(record.header.kind != Kind.NODE for record in node.log.after(0, 100))
        finally:
            node.close()

    asyncio.run(opened())
