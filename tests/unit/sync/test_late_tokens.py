"""Tokens that say less of some scopes than of the rest: their form, and what a node keeps of those."""

import pytest

from bongsu.errors import MatrixError
from bongsu.log.record import BodyState, Header, Kind, Lane, LogName, Record
from bongsu.log.vector import Vector
from bongsu.sync.token import LATE_SCOPES_MAX, NO_START, Late, Token, decode
from bongsu.view.unfilled import Group, Unfilled

LOG = LogName(bytes(range(16)), 7, Lane.TEXT)
ROOM, OTHER = bytes(16), b"o" * 16


def vector(seq: int) -> Vector:
    return Vector.empty().advance(LOG, 1, seq)


def record(position: int, seq: int, link: int) -> Record:
    header = Header(seq, Kind.EVENT, ROOM, link, 1, bytes(32))
    return Record(position, LOG, header, bytes(32), b"{}", BodyState.FULL)


@pytest.mark.parametrize("given", [b"", b"abcdefgh"])
@pytest.mark.parametrize("scopes", [(), (ROOM,), (ROOM, OTHER)])
def test_a_token_says_what_is_late(given: bytes, scopes: tuple[bytes, ...]) -> None:
    late = (Late.of(vector(3), scopes), Late.of(vector(5), (OTHER,)))
    token = Token(NO_START, 0, 1, vector(9), given, late)
    assert decode(token.encode()) == token
    for end in range(1, len(token.encode()) - 1, 7):
        with pytest.raises(MatrixError):
            decode(token.encode()[:end])


def test_of_more_scopes_than_fit_it_says_so_of_all() -> None:
    scopes = [bytes([number]) * 16 for number in range(LATE_SCOPES_MAX + 1)]
    assert Late.of(vector(1), scopes).scopes == frozenset()
    assert len(Late.of(vector(1), scopes[1:]).scopes) == LATE_SCOPES_MAX


def test_what_is_shown_of_a_scope_follows_what_came_in_order() -> None:
    unfilled = Unfilled()
    unfilled.lacks(ROOM, {LOG: 10})
    unfilled.came(record(101, 10, 9))
    unfilled.came(record(102, 12, 10))
    unfilled.came(record(103, 20, 15))  # 15 lacks
    assert unfilled.groups({ROOM}, 100, 6) == [Group(frozenset({ROOM}), {LOG: 10})]
    assert unfilled.groups({ROOM}, 103, 6) == [Group(frozenset({ROOM}), {LOG: 13})]
    unfilled.whole(ROOM, 104)
    unfilled.lacks(ROOM, {LOG: 30})
    assert unfilled.groups({ROOM}, 103, 6) == [Group(frozenset({ROOM}), {LOG: 13})]
    assert unfilled.groups({ROOM}, 104, 6) == [Group(frozenset({ROOM}), {LOG: 30})]
    unfilled.whole(ROOM, 105)
    assert unfilled.groups({ROOM}, 105, 6) == []
    assert not unfilled


def test_rooms_of_others_are_not_said_and_shown_ones_stand_apart() -> None:
    unfilled = Unfilled()
    unfilled.rooms = {ROOM, OTHER}
    unfilled.lacks(OTHER, {LOG: 5})
    unfilled.lacks(ROOM, {LOG: 10})
    assert unfilled.groups({ROOM}, 100, 6) == [Group(frozenset({ROOM}), {LOG: 10})]
    unfilled.came(record(101, 10, 9))
    found = unfilled.groups({ROOM, OTHER}, 101, 6)
    assert found == [Group(frozenset({OTHER}), {LOG: 5}), Group(frozenset({ROOM}), {LOG: 11})]
    assert unfilled.groups({ROOM, OTHER}, 101, 0) == [Group(frozenset({ROOM, OTHER}), {LOG: 5})]
