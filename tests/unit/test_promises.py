"""What is shown when: at its promise or at the bound, in order, and labelled where it is at one site."""

from bongsu.log.record import BodyState, Header, Kind, Lane, LogName, Record
from bongsu.log.vector import Vector
from bongsu.promises import Promises

OURS, THEIRS = bytes(16), b"\1" * 16
OUR_LOG, THEIR_LOG = LogName(OURS, 7, Lane.TEXT), LogName(THEIRS, 8, Lane.TEXT)


def record(position: int, log: LogName, seq: int) -> Record:
    header = Header(seq, Kind.EVENT, bytes(16), 0, 0, bytes(32))
    return Record(position, log, header, bytes(32), b"", BodyState.FULL)


def positions(promises: Promises, now_s: float) -> list[int]:
    return [batch.last_position for batch in promises.ready(now_s)]


def commit(promises: Promises, position: int, log: LogName, seq: int, now_s: float = 0.0) -> None:
    promises.committed([record(position, log, seq)], Vector.empty(), now_s)


def test_a_service_of_one_site_waits_for_nobody_and_never_warns() -> None:
    promises = Promises(OURS, waits=False, bound_s=1.0)
    commit(promises, 1, OUR_LOG, 1)
    assert positions(promises, 0.0) == [1]
    assert not promises.is_held_here(1)
    assert promises.deadline_s is None


def test_nothing_is_shown_before_another_site_has_it() -> None:
    promises = Promises(OURS, waits=True, bound_s=1.0)
    commit(promises, 1, OUR_LOG, 1)
    commit(promises, 2, THEIR_LOG, 1)
    assert positions(promises, 0.5) == []
    promises.acknowledged(OUR_LOG, 1)
    assert positions(promises, 0.5) == [1, 2]
    assert not promises.is_held_here(1)
    assert promises.counts == {"two_sites": 1, "here": 0}


def test_after_the_bound_a_node_is_alone_until_somebody_answers() -> None:
    promises = Promises(OURS, waits=True, bound_s=1.0)
    commit(promises, 1, OUR_LOG, 1)
    assert promises.deadline_s == 1.0
    assert positions(promises, 1.0) == [1]
    assert promises.alone
    commit(promises, 2, OUR_LOG, 2, 5.0)
    assert positions(promises, 5.0) == [2], "who is alone waits no more"
    assert promises.is_held_here(1)
    assert promises.is_held_here(2)
    promises.acknowledged(OUR_LOG, 1)
    assert not promises.alone
    assert promises.is_held_here(2)
    commit(promises, 3, OUR_LOG, 3, 6.0)
    assert positions(promises, 6.0) == []
    promises.acknowledged(OUR_LOG, 3)
    assert positions(promises, 6.0) == [3]
    assert not any(promises.is_held_here(position) for position in (1, 2, 3))
    assert promises.counts == {"two_sites": 1, "here": 2}


def test_a_cut_link_ends_the_wait_at_once() -> None:
    promises = Promises(OURS, waits=True, bound_s=1.0)
    commit(promises, 1, OUR_LOG, 1)
    promises.nobody()
    assert positions(promises, 0.1) == [1]
    promises.somebody()
    commit(promises, 2, OUR_LOG, 2, 0.2)
    assert positions(promises, 0.3) == []


def test_a_backlog_is_shown_in_parts() -> None:
    promises = Promises(OURS, waits=True, bound_s=1.0)
    for position in range(1, 6):
        commit(promises, position, THEIR_LOG, position)
    assert [batch.last_position for batch in promises.ready(0.0, records_max=2)] == [1, 2]
    assert promises.deadline_s == 0.0, "the rest may be shown at once"
    assert positions(promises, 0.0) == [3, 4, 5]
    assert promises.deadline_s is None
