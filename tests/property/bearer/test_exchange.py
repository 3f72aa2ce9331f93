"""Whatever a link does, nodes that exchange end with the same logs, within their memory, and then rest."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu import limits
from bongsu.bearer.exchange import Exchange
from bongsu.bearer.frame import Unreadable
from bongsu.bearer.message import decode, encode
from bongsu.log.record import Lane, LogName
from tests.property.bearer.network import BODY_BYTES_MAX, RECORDS_AT_ONCE, WINDOW_BYTES, End, Network

PAIR = [(0, 1)]
CHAIN = [(0, 1), (1, 2)]
MESH = [(0, 1), (1, 2), (0, 2)]
# Beats until all is everywhere: one that sees that things flowed, one that asks, and one a hop more.
BEATS_MAX = 6


@pytest.mark.parametrize(
    ("count", "pairs"), [(2, PAIR), (3, CHAIN), (3, MESH)], ids=["pair", "chain", "mesh"]
)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_nodes_converge(count: int, pairs: list[tuple[int, int]], seed: int) -> None:
    network = Network(count, pairs, random.Random(seed))
    for _ in range(300):
        network.step()
    network.settle()
    beats = 0
    while not network.equal():
        beats += 1
        assert beats <= BEATS_MAX, "everything is everywhere after a few offers"
        network.beat()
        network.settle()
    assert not [sentence for link in network.links for end, _ in link.ends() for sentence in end.sentences]
    network.beat()
    network.settle()
    network.beat()
    assert network.settle() == 2 * len(pairs), "who has everything only offers"
    for end in (end for link in network.links for end, _ in link.ends()):
        own = {log: state.seq for log, state in end.node.states.items() if log.node == end.node.key.node}
        assert end.acknowledged == own, "every promise is kept in the end, whatever acknowledgement was lost"


def pair() -> tuple[Network, End, End]:
    network = Network(2, PAIR, random.Random(1))
    network.settle()
    return network, network.links[0].left, network.links[0].right


def test_a_new_record_is_given_at_once_and_acknowledged() -> None:
    network, left, right = pair()
    log = left.node.append(Lane.TEXT, b"hello")
    assert network.settle() <= 6
    assert network.equal()
    assert left.acknowledged == {log: 2}
    assert not right.acknowledged


def test_lanes_go_by_urgency_and_a_backlog_in_the_order_it_came() -> None:
    network = Network(2, PAIR, random.Random(1))
    left = network.links[0].left
    for _ in range(3):
        for lane in reversed(Lane):
            for _ in range(2 * RECORDS_AT_ONCE - 1):
                left.node.append(lane, b"x")
        left.node.restart()
    network.settle()
    assert network.equal()
    places = [(each.lane, left.node.places[each.log, each.first_seq]) for each in left.given]
    assert places == sorted(places)
    assert len(places) == 3 * 3 * 2


def test_logs_that_answer_each_other_are_given_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GIVEN_AHEAD_RECORDS", 2)
    network = Network(3, MESH, random.Random(1))
    one, other, new = network.nodes
    network.links, late = network.links[:1], network.links[1:]
    for number in range(20):
        (one if number % 2 else other).append(Lane.TEXT, b"to and fro")
        network.settle()
    network.links = late
    network.beat()
    for link in late:
        link.left.given.clear()
    network.settle()
    assert new.contents() == one.contents() == other.contents()
    for giver in (link.left for link in late):
        lead = Counter[LogName]()
        for bundle in giver.given:
            lead[bundle.log] = max(giver.node.places[bundle.log, bundle.last_seq], lead[bundle.log])
            assert len(lead) < 2 or max(lead.values()) - min(lead.values()) <= RECORDS_AT_ONCE + 2


def test_a_dead_nodes_tail_is_handed_on() -> None:
    network = Network(3, MESH, random.Random(1))
    network.settle()
    dead, keeper, other = network.nodes
    survivors = network.links[1]
    network.links = network.links[:1]  # only one of the two hears the last words
    for _ in range(20):
        dead.append(Lane.TEXT, b"last words")
    network.settle()
    assert not other.contents()
    network.links = [survivors]
    network.beat()
    network.settle()
    assert other.contents() == keeper.contents() == dead.contents()


def test_a_bad_signature_is_refused_once_and_the_link_goes_on() -> None:
    network, left, right = pair()
    log = left.node.append(Lane.TEXT, b"forged")
    left.node.logs[log].signatures[2] = bytes(64)
    left.sent.clear()
    left.connect()
    right.connect()
    network.settle()
    for _ in range(3):
        network.beat()
        network.settle()
    assert len(right.sentences) == 1
    assert "signature" in right.sentences[0]
    left.node.append(Lane.URGENT, b"true")
    network.settle()
    assert right.node.states[next(name for name in right.node.states if name.lane == Lane.URGENT)].seq == 2
    assert left.acknowledged.keys() == {name for name in left.node.states if name.lane == Lane.URGENT}


def test_a_bundle_beyond_the_window_is_dropped_and_asked_for_again() -> None:
    network, left, right = pair()
    for _ in range(40):
        left.node.append(Lane.BULK, bytes(500))
    # The disk of the right node hangs: nothing is stored while everything is heard.
    for _ in range(200):
        if left.loads:
            left.load()
        if left.sent:
            right.hear(left.sent.pop(0))
        if right.sent:
            left.hear(right.sent.pop(0))
    assert right.stores
    assert not left.loads, "the giver waits for room"
    network.settle()
    network.beat()
    network.settle()
    assert network.equal()


def test_a_full_disk_is_asked_for_more_only_at_offers() -> None:
    network, left, right = pair()
    right.node.full = True
    log = left.node.append(Lane.TEXT, b"hello")
    for _ in range(3):
        assert network.settle() <= 12
        network.beat()
    assert not left.acknowledged
    right.node.full = False
    network.settle()
    assert network.equal()
    assert left.acknowledged == {log: 2}


def test_only_the_lanes_asked_for_come() -> None:
    network, left, right = pair()
    right.exchange = Exchange(right.node, right.node.key.node, lanes=frozenset((Lane.URGENT, Lane.TEXT)))
    for lane in Lane:
        left.node.append(lane, b"x")
    left.connect()
    right.beat()
    for _ in range(3):
        network.settle()
        network.beat()
    network.settle()
    assert {log.lane for log in right.node.logs} == {Lane.URGENT, Lane.TEXT}


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 2**32))
def test_garbage_changes_nothing(raw: bytes, seed: int) -> None:
    rnd = random.Random(seed)
    network, left, right = pair()
    left.node.append(Lane.TEXT, b"hello")
    left.beat()
    left.load()
    for whole in left.sent:
        broken = bytearray(whole)
        broken[rnd.randrange(len(broken))] ^= 1 << rnd.randrange(8)
        for hostile in (raw, bytes(broken)):
            right.hear(hostile)
    for _ in range(BEATS_MAX):
        network.settle()
        network.beat()
    network.settle()
    assert network.equal()


@settings(max_examples=200)
@given(st.binary(max_size=120).map(lambda tail: b"\x85\x01" + tail) | st.binary(max_size=120))
def test_a_message_is_read_exactly_or_refused(raw: bytes) -> None:
    try:
        message = decode(raw)
    except Unreadable:
        return
    assert encode(message) == raw


def test_who_has_no_room_says_what_is_on_disk_and_is_given_no_more_until_it_has() -> None:
    network = Network(2, [(0, 1)], random.Random(1))
    giver, taker = network.links[0].left, network.links[0].right
    for _ in range(60):
        network.nodes[0].append(Lane.TEXT, bytes(BODY_BYTES_MAX))
    last = network.nodes[0].vector()
    while giver.loads or giver.sent or taker.sent or taker.stores:
        if giver.loads:
            giver.load()
        if taker.stores:
            taker.store(has_room=False)
        if giver.sent:
            taker.hear(giver.sent.pop(0))
        if taker.sent:
            giver.hear(taker.sent.pop(0))
    (held,) = giver.acknowledged.values()
    assert 0 < held < 61
    assert taker.exchange.arriving_bytes >= WINDOW_BYTES
    assert taker.shown()
    network.settle()
    assert network.nodes[1].vector() == last
