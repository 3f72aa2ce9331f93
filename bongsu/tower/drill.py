"""Drills that officers order: what was planned, who agreed, whether a site may do it now. DESIGN 8. Pure.

Only in an incident that is an exercise; a real site is cut off only if its name was typed by two people."""

from collections.abc import Iterable
from dataclasses import dataclass

from bongsu import limits
from bongsu.tower.drill_order import LAB
from bongsu.tower.incident import CLOSE, Act, Incident
from bongsu.tower.keys import COMMANDER, DEPUTY, Keyring, TowerKey

WAITING, READY, OVER = "waiting", "ready", "over"


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill as it was ordered. `state`: `waiting` for a second person, `ready`, or `over`."""

    id: str
    incident: str
    plan: str
    where: str
    site: str
    minutes: int
    by: str
    sent: int
    agreed: tuple[str, ...]
    state: str


def drills(incident: Incident, keyring: Keyring, now_ms: int) -> list[Drill]:
    """The drills of an incident, the latest first. What was ordered long ago is done no more."""
    found = []
    for act in incident.acts:
        said = act.content["content"]
        if act.content["act"] != "drill" or not isinstance(said.get("plan"), str):
            continue
        agreed = tuple(_agreed(incident.acts, act, keyring))
        found.append(
            Drill(
                act.id,
                incident.id,
                said["plan"],
                said["where"],
                said["site"],
                said.get("minutes", 0),
                act.content["sender"],
                act.content["sent"],
                agreed,
                _state(incident, act, agreed, keyring, now_ms),
            )
        )
    return found[::-1]


def _state(incident: Incident, act: Act, agreed: tuple[str, ...], keyring: Keyring, now_ms: int) -> str:
    said, sent = act.content["content"], act.content["sent"]
    closed = incident.closed or any(each.content["act"] == CLOSE for each in incident.acts)
    if incident.opened["content"]["status"] == "Actual" or closed:
        return OVER
    if not _commanding(keyring, act, said["site"]) or not 0 <= now_ms - sent <= limits.DRILL_ORDER_MS:
        return OVER
    return READY if said["where"] == LAB or agreed else WAITING


def _commanding(keyring: Keyring, act: Act, site: str) -> list[TowerKey]:
    return [
        each
        for each in keyring.counting(act.content["sender"], act.content["sent"])
        if each.role in (COMMANDER, DEPUTY) and each.covers([site])
    ]


def _agreed(acts: Iterable[Act], order: Act, keyring: Keyring) -> Iterable[str]:
    """The keys of others who typed the same site: no user may hold both."""
    site = order.content["content"]["site"]
    users = {user for each in _commanding(keyring, order, site) for user in each.users}
    for act in acts:
        said = act.content["content"]
        if act.content["act"] != "confirmation" or said.get("drill") != order.id or said.get("typed") != site:
            continue
        others = _commanding(keyring, act, site)
        if act.content["sender"] != order.content["sender"] and any(
            not users & set(each.users) for each in others
        ):
            yield act.content["sender"]
