"""When a drill that officers ordered may be carried out: never by one person alone on a real site."""

from typing import Any

import pytest

from bongsu import limits
from bongsu.errors import MatrixError
from bongsu.tower import incident, keys, signed
from bongsu.tower.drill import OVER, READY, WAITING, drills
from bongsu.tower.incident import Act
from bongsu.tower.keys import Keyring
from tests.helpers.service import ROOT
from tests.helpers.tower import Officer

NOW = 1_795_000_000_000
REAL = {"plan": "cut", "where": "site", "site": "dc2", "typed": "dc2", "minutes": 5}


def keyring(*statements: str) -> Keyring:
    known = [keys.read_key(ROOT.public, each) for each in statements]
    return Keyring({each.id: (each,) for each in known})


def act(by: Officer, kind: str, said: dict[str, Any], sent: int = NOW, **more: Any) -> Act:
    content = incident.check({"sender": by.id, "act": kind, "sent": sent, "content": said, **more})
    return Act(signed.statement_id(signed.ACT, content), content)


def state(
    order: dict[str, Any],
    *others: tuple[Officer, str, dict[str, Any]],
    known: Keyring,
    status: str = "Exercise",
    now: int = NOW,
) -> str:
    opened = {"kind": "훈련", "place": "강릉", "stage": "attention", "status": status}
    first = act(MAYOR, "open", opened, areas=[])
    drill = act(MAYOR, "drill", order, incident=first.id, after=[first.id])
    acts = [first, drill]
    for by, kind, said in others:
        filled = {name: drill.id if value == "DRILL" else value for name, value in said.items()}
        acts.append(act(by, kind, filled, incident=first.id, after=[acts[-1].id]))
    [found] = incident.incidents(acts, known)
    [it] = drills(found, known, now)
    return it.state


MAYOR, CHIEF, FIREMAN = Officer("시장", 1), Officer("소방서장", 2), Officer("소방관", 3)
MAYORS = MAYOR.statement(users=("@mayor:x",))
CHIEFS = CHIEF.statement(keys.DEPUTY, users=("@chief:x",))
AGREED = (CHIEF, "confirmation", {"drill": "DRILL", "typed": "dc2"})


def test_a_real_site_needs_a_second_person_who_typed_its_name() -> None:
    known = keyring(MAYORS, CHIEFS)
    assert state(REAL, known=known) == WAITING
    assert state(REAL, AGREED, known=known) == READY
    other = (CHIEF, "confirmation", {"drill": "DRILL", "typed": "dc1"})
    assert state(REAL, other, known=known) == WAITING
    own = (MAYOR, "confirmation", {"drill": "DRILL", "typed": "dc2"})
    assert state(REAL, own, known=known) == WAITING


@pytest.mark.parametrize(
    "order",
    [
        {**REAL, "plan": "fabric"},
        {name: value for name, value in REAL.items() if name != "minutes"} | {"plan": "restart"},
    ],
)
def test_every_drill_of_a_real_site_needs_two(order: dict[str, Any]) -> None:
    known = keyring(MAYORS, CHIEFS)
    assert state(order, known=known) == WAITING
    assert state(order, AGREED, known=known) == READY


def test_who_agrees_is_somebody_else_and_may_command() -> None:
    same = CHIEF.statement(keys.DEPUTY, users=("@mayor:x", "@chief:x"))
    assert state(REAL, AGREED, known=keyring(MAYORS, same)) == WAITING
    agency = CHIEF.statement(keys.AGENCY, users=("@chief:x",))
    assert state(REAL, AGREED, known=keyring(MAYORS, agency)) == WAITING
    elsewhere = CHIEF.statement(keys.DEPUTY, users=("@chief:x",), areas=("h1",))
    assert state(REAL, AGREED, known=keyring(MAYORS, elsewhere)) == WAITING


def test_nothing_is_done_outside_an_exercise_or_long_after() -> None:
    known = keyring(MAYORS, CHIEFS)
    assert state(REAL, AGREED, known=known, status="Actual") == OVER
    assert state(REAL, AGREED, known=known, now=NOW + limits.DRILL_ORDER_MS + 1) == OVER
    assert state(REAL, AGREED, known=known, now=NOW - 1_000) == OVER
    assert state(REAL, AGREED, (MAYOR, "close", {"text": ""}), known=known) == OVER


def test_a_laboratory_needs_one_commander() -> None:
    lab = {"plan": "site-kill", "where": "lab", "site": "dc2"}
    assert state(lab, known=keyring(MAYORS)) == READY


@pytest.mark.parametrize(
    "wrong",
    [
        {**REAL, "typed": "dc1"},
        {**REAL, "plan": "site-kill"},
        {**REAL, "plan": "fabric", "minutes": 0},
        {**REAL, "plan": "restart"},
        {**REAL, "minutes": 0},
        {**REAL, "minutes": limits.DRILL_MINUTES_MAX + 1},
        {**REAL, "minutes": True},
        {**REAL, "site": "../x"},
        {**REAL, "where": "moon"},
        {"plan": "--html=/etc/passwd", "where": "lab", "site": "dc2"},
        {"plan": 3, "where": "lab", "site": "dc2"},
    ],
)
def test_bad_orders_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(MatrixError):
        act(MAYOR, "drill", wrong, incident="0" * 32, after=["0" * 32])
