"""Which alerts stand: by signatures, keys and references alone, in any order."""

import itertools

import pytest

from bongsu.errors import MatrixError
from bongsu.log.key import NodeKey
from bongsu.tower import alert, keys, signed
from bongsu.tower.alert import Alert, State
from bongsu.tower.keys import Keyring, read_key
from tests.helpers.service import ROOT
from tests.helpers.tower import HOUR_MS, Officer, alert_content

SENT = 1_800_000_000_000


def ring(*statements: str, ends: tuple[str, ...] = ()) -> Keyring:
    found: dict[str, tuple[keys.TowerKey, ...]] = {}
    for text in statements:
        key = read_key(ROOT.public, text)
        found[key.id] = (*found.get(key.id, ()), key)
    read = [keys.read_end(ROOT.public, text) for text in ends]
    return Keyring(found, {each.key: each for each in read})


def made(officer: Officer, *signers: Officer, **changed: object) -> Alert:
    sent = changed.pop("sent", SENT)
    assert isinstance(sent, int)
    content = alert.check(alert_content(officer.id, sent=sent, **changed))
    return Alert(alert.alert_id(content), content, frozenset(each.id for each in (officer, *signers)))


def test_references_end_alerts_in_any_order() -> None:
    mayor, chief = Officer(), Officer("소방서장")
    keyring = ring(mayor.statement(), chief.statement(areas=("okgye",)))
    first = made(mayor)
    update = made(mayor, msg_type="Update", references=[first.id])
    cancel = made(mayor, msg_type="Cancel", references=[update.id])
    local = made(mayor, areas=["okgye"])
    by_chief = made(chief, msg_type="Cancel", references=[first.id, local.id], areas=["okgye"])
    real = made(mayor, status="Actual")
    lie = made(mayor, msg_type="Cancel", references=[real.id])
    note = made(mayor, msg_type="Ack", references=[first.id])
    alerts = [first, update, cancel, local, by_chief, real, lie, note]
    expected = {
        first.id: State.REPLACED,
        update.id: State.CANCELLED,
        cancel.id: State.STANDING,
        local.id: State.CANCELLED,
        by_chief.id: State.STANDING,
        real.id: State.STANDING,  # an exercise ends no real alert
        lie.id: State.STANDING,
        note.id: State.NOTE,
    }
    for order in itertools.islice(itertools.permutations(alerts), 0, 5_000, 7):
        assert alert.judge(order, keyring) == expected


def test_who_counts() -> None:
    mayor, second = Officer(), Officer("부시장")
    each = made(mayor, areas=["okgye"])
    assert alert.counts(each, ring()) is State.REFUSED
    assert alert.counts(each, ring(mayor.statement())) is State.STANDING
    assert alert.counts(each, ring(mayor.statement(areas=("gyeongpo",)))) is State.REFUSED
    assert alert.counts(made(mayor), ring(mayor.statement(areas=("gyeongpo",)))) is State.REFUSED
    assert alert.counts(each, ring(mayor.statement(expires=SENT - 1000))) is State.REFUSED
    both = made(mayor, second, areas=["okgye"])
    careful = mayor.statement(two_person=True, users=("@a:t",))
    assert alert.counts(each, ring(careful)) is State.PENDING
    assert alert.counts(both, ring(careful, second.statement(users=("@b:t",)))) is State.STANDING
    # One person with two keys is one person.
    assert alert.counts(both, ring(careful, second.statement(users=("@a:t",)))) is State.PENDING
    assert alert.counts(both, ring(careful, second.statement(areas=("x",)))) is State.PENDING
    unsigned = Alert(each.id, each.content, frozenset({second.id}))
    assert alert.counts(unsigned, ring(mayor.statement(), second.statement())) is State.REFUSED


def test_an_end_is_by_the_time_that_was_signed() -> None:
    mayor = Officer()
    early, late = made(mayor), made(mayor, sent=SENT + HOUR_MS)
    end = keys.end(mayor.id, 1, SENT, ROOT.sign_bytes)
    keyring = ring(mayor.statement(), ends=(end,))
    assert (alert.counts(early, keyring), alert.counts(late, keyring)) == (State.STANDING, State.REFUSED)
    never = ring(mayor.statement(), ends=(keys.end(mayor.id, 2, 0, ROOT.sign_bytes),))
    assert alert.counts(early, never) is State.REFUSED
    assert keyring.roles("@a:t", SENT) == []


def test_what_a_lying_node_says_of_others_alerts_is_not_shown() -> None:
    words = dict.fromkeys(("status", "msg_type", "scope", "category", "urgency", "severity"), "x")
    good = {
        **words,
        "certainty": "x",
        "event": "비",
        "sender": "kma",
        "identifier": "1",
        "sent": 1,
        "expires": 2,
        "texts": {"ko": {"headline": "호우"}},
        "areas": ["강릉"],
        "id": "0" * 32,
    }
    assert alert.is_foreign(good)
    for name in good:
        for odd in (None, [1], {"a": 1}, 5.5, True):
            assert not alert.is_foreign({**good, name: odd}), (name, odd)
    assert not alert.is_foreign({**good, "identifier": "x" * 70_000})


def test_lines_are_read_only_as_they_were_written() -> None:
    mayor = Officer()
    text = mayor.statement()
    key = read_key(ROOT.public, text)
    assert (key.id, key.name) == (mayor.id, mayor.name)
    request = keys.request(mayor.key.public, "시장", mayor.key.sign_bytes)
    assert keys.read_request(request) == (mayor.key.public, "시장")
    for bad in (
        "",
        "tower-key:",
        "tower-key:!!",
        text[:-1],
        text + "=",
        text.replace("tower-key", "alert"),
        request,
        mayor.statement(by=NodeKey.generate()),
        "tower-key:" + "A" * 20_000,
    ):
        with pytest.raises(MatrixError):
            read_key(ROOT.public, bad)
    stolen = signed.line(signed.REQUEST, {"public_key": "A" * 43, "name": "x"}, mayor.key.sign_bytes)
    with pytest.raises(MatrixError):
        keys.read_request(stolen)
