"""The compact form of records: nothing is lost of any, and whatever comes is a bundle or `Unreadable`."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.bearer.bundle import Bundle
from bongsu.bearer.frame import Unreadable
from bongsu.bearer.message import Done, Give, Offer, Stored, Want
from bongsu.bearer.thin.bundles import read_bundle, write_bundle
from bongsu.bearer.thin.context import Names, Stream
from bongsu.bearer.thin.talk import Lacks, Plain, Say, Talk, Unknown, Wired
from bongsu.bearer.thin.wire import Reader, Writer
from bongsu.log.record import ForeignRecord, Header, Kind, Lane, LogName, body_hash
from bongsu.log.vector import Vector
from tests.helpers.thin_chat import Chat

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
# The shape of an event, with anything in any place of it.
bent = st.fixed_dictionaries(
    {},
    optional={
        "event": values
        | st.fixed_dictionaries(
            {},
            optional={
                name: values | st.sampled_from(["$" + "x" * 42 + "A", "m.room.message", "@kim:x"])
                for name in ("type", "sender", "content", "depth", "origin_server_ts", "room_id", "hashes")
            }
            | {name: st.lists(values | st.text(), max_size=3) for name in ("prev_events", "auth_events")},
        ),
        "sent_by": values | st.dictionaries(st.sampled_from(["device_id", "path", "txn_id"]), values),
        "room_id": values,
        "heads": st.lists(values, max_size=3),
    },
)
bodies = st.one_of(
    st.binary(max_size=300),
    values.map(lambda value: json.dumps(value).encode()),
    bent.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")),
)
kinds = st.sampled_from([Kind.EVENT, Kind.RECEIPT, Kind.REGISTER, 999])
seeds = st.integers(0, 2**32)


def record(seq: int, kind: int, scope: bytes, link: int, stamp: int, body: bytes) -> ForeignRecord:
    return ForeignRecord(Header(seq, kind, scope, link, stamp, body_hash(body)), body)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(kinds, st.binary(min_size=16, max_size=16), bodies), min_size=1, max_size=6), st.data()
)
def test_nothing_is_lost_of_any_record(drawn: list[tuple[int, bytes, bytes]], data: st.DataObject) -> None:
    ours, theirs, chat = Stream(Names()), Stream(Names()), Chat()
    for seq, (kind, scope, body) in enumerate(drawn, 1):
        stamp = data.draw(st.integers(0, 2**53 - 1))
        odd = record(seq, kind, scope, data.draw(st.integers(0, seq - 1)), stamp, body)
        bundle = Bundle(chat.key, 5, Lane.TEXT, (odd,), bytes(64))
        out = Writer()
        write_bundle(out, ours, bundle)
        assert read_bundle(Reader(out.bytes), theirs) == bundle


@settings(deadline=None, max_examples=25)
@given(seeds, st.lists(st.text(max_size=200), min_size=1, max_size=12))
def test_chats_come_back_as_they_were(seed: int, texts: list[str]) -> None:
    ours, theirs, chat = Stream(Names()), Stream(Names()), Chat(seed)
    for text in texts:
        say: list[Callable[[], ForeignRecord]] = [
            lambda text=text: chat.text(text, chat.chance.choice(["kim", "lee", "박"])),  # type: ignore[misc]
            lambda: chat.megolm(chat.chance.randrange(400)),
            lambda text=text: chat.place(chat.say({"body": text, "x": [text, None, 3]})),  # type: ignore[misc]
        ]
        records = [chat.chance.choice(say)() for _ in range(chat.chance.randrange(1, 4))]
        if chat.chance.random() < 0.5:
            records.append(chat.receipt())
        bundle = chat.bundle(records)
        out = Writer()
        write_bundle(out, ours, bundle)
        reader = Reader(out.bytes)
        assert read_bundle(reader, theirs) == bundle
        assert reader.at_end


def talks() -> tuple[Talk, Talk]:
    return Talk(Vector.empty), Talk(Vector.empty)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.binary(max_size=200), max_size=5), seeds)
def test_what_comes_off_the_air_raises_nothing_else(noise: list[bytes], seed: int) -> None:
    here, there = talks()
    chat = Chat(seed)
    for raw in noise:
        said = bytearray(here.encode(Give(1, chat.bundle([chat.text(), chat.receipt()]))))
        for _ in range(chat.chance.randrange(4)):
            said[chat.chance.randrange(len(said))] = chat.chance.randrange(256)
        for each in (raw, bytes(said), bytes(said[: chat.chance.randrange(len(said))])):
            try:
                there.decode(each)
            except Unreadable:
                there.failed()


def test_messages_come_back() -> None:
    here, there = talks()
    chat = Chat()
    log = LogName(b"n" * 16, 7, Lane.TEXT)
    vector = Vector.of([(log, 1, 12)])
    want = Want(3, 4_096, frozenset({Lane.URGENT, Lane.TEXT}), vector, frozenset({log}))
    give = Give(3, chat.bundle([chat.text()]))
    for message in (
        want,
        give,
        Done(3),
        Stored(3, 99, ((give.bundle.log, 1), (log, 12))),
        Plain(),
        Wired(True),
    ):
        assert there.decode(here.encode(message)) == [message]
    lacks = Lacks(frozenset({b"s" * 16}))
    assert there.decode(here.encode(lacks) + here.encode(Done(4))) == [lacks, Done(4)]


def test_a_vector_is_said_in_full_to_who_does_not_know_it() -> None:
    here, there = talks()
    offer = Offer(Vector.of([(LogName(b"n" * 16, 7, Lane.TEXT), 1, 12)]), 2, True)
    assert len(here.encode(offer)) == 10
    assert there.decode(here.encode(offer)) == [Unknown()]
    assert here.decode(there.encode(Unknown())) == [Say()]
    assert there.decode(here.encode(Say())) == [offer]
    assert there.decode(here.encode(offer)) == [offer]


def test_after_a_bundle_that_cannot_be_read_they_go_as_they_are() -> None:
    here, there = talks()
    chat = Chat()
    there.decode(here.encode(Give(1, chat.bundle([chat.text()]))))
    lost = chat.bundle([chat.text()])
    here.encode(Give(1, lost))
    with pytest.raises(Unreadable):
        there.decode(b"\x63")
    plain = there.failed()
    assert plain is not None
    assert here.decode(there.encode(plain)) == [plain]
    assert there.decode(here.encode(Give(1, lost))) == [Give(1, lost)]
