"""Incidents: what their acts come to, and where two commanders contradicted each other (DESIGN 8). Pure.

An act names the acts its author knew, so what was done on two sides of a partition shows as such."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bongsu import limits
from bongsu.canonical import json_bytes
from bongsu.errors import invalid_param, too_large
from bongsu.tower import drill_order, fields, signed
from bongsu.tower.keys import COMMANDER, DEPUTY, ROLES, Keyring

OPEN, STAGE, HANDOVER, CLOSE = "open", "stage", "handover", "close"
ACTS = (
    OPEN,
    STAGE,
    "order",
    "report",
    "request",
    "confirmation",
    HANDOVER,
    "alert",
    "drill",
    CLOSE,
)
# Forms of a report about a person who is missing, and one who was found.
MISSING, FOUND = "missing", "found"
STAGES = ("attention", "caution", "alert", "serious")  # 관심, 주의, 경계, 심각
_COMMANDING = (OPEN, STAGE, "order", HANDOVER, CLOSE)
_FIELDS = ("sender", "user_id", "incident", "act", "sent", "after", "areas", "content")
# What a later act of the same kind replaces: of two that did not know each other, both stand side by side.
_REPLACING = {STAGE: "stage", HANDOVER: "commander", CLOSE: "closed"}


@dataclass(frozen=True, slots=True)
class Act:
    """An act as it was signed. `signed_right`: whether the signature of its sender is right."""

    id: str
    content: dict[str, Any]
    signed_right: bool = True

    @property
    def incident(self) -> str:
        """The incident: the id of the act that opened it."""
        return self.id if self.content["act"] == OPEN else str(self.content["incident"])


@dataclass(frozen=True, slots=True)
class Conflict:
    """Acts of which none knew another, and which say different things."""

    about: str
    acts: tuple[str, ...]


@dataclass(slots=True)
class Incident:
    """What an incident has come to. `acts`: in an order that keeps causes before effects."""

    id: str
    opened: dict[str, Any] = field(default_factory=dict)
    acts: list[Act] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    stage: str | None = None
    commander: str | None = None
    closed: bool = False
    conflicts: list[Conflict] = field(default_factory=list)
    missing: list[dict[str, Any]] = field(default_factory=list)


def check(content: Any) -> dict[str, Any]:
    """The content of an act.

    Raises:
        MatrixError: a sentence about what is wrong.
    """
    found = fields.only(content, _FIELDS)
    fields.identifier(found, "sender")
    fields.time_ms(found, "sent")
    act = fields.word(found, "act", ACTS)
    said = found.get("content")
    if not isinstance(said, dict):
        raise invalid_param("`content` must be an object.")
    if len(json_bytes(said)) > limits.INCIDENT_CONTENT_BYTES_MAX:
        raise too_large(f"`content` may have {limits.INCIDENT_CONTENT_BYTES_MAX} bytes.")
    if (act == OPEN) == ("incident" in found):
        raise invalid_param("Every act but `open` names its `incident`: the id of the act that opened it.")
    if act != OPEN:
        fields.identifier(found, "incident")
    if act == OPEN or "areas" in found:
        fields.areas(found)
    if len(fields.identifiers(found, "after")) == 0 and act != OPEN:
        raise invalid_param("`after` names the last acts that are known of the incident: its heads.")
    if "user_id" in found:
        fields.text(found, "user_id", 255)
    _check_said(act, said)
    return found


def _check_said(act: str, said: dict[str, Any]) -> None:
    if act == OPEN:
        for name in ("kind", "place"):
            fields.text(said, name, 100)
        fields.word(said, "status", ("Actual", "Exercise", "Test"))
        fields.text(said, "room_id", 255, least=0)
        fields.microdegrees(said, "at")
    if act in (OPEN, STAGE):
        fields.word(said, "stage", STAGES)
    if act == "report" and said.get("form") == MISSING:
        for name, least in (("name", 1), ("where", 0), ("text", 0)):
            fields.text(said, name, 500, least=least)
    if act == "report" and said.get("form") == FOUND:
        fields.identifier(said, "person")
    if (act == "drill" and "plan" in said) or (act == "confirmation" and "drill" in said):
        drill_order.check(said)
    if act == HANDOVER:
        fields.identifier(said, "to")
        fields.word(said, "role", ROLES)


def act_id(content: dict[str, Any]) -> str:
    """The name of an act."""
    return signed.statement_id(signed.ACT, content)


def counts(act: Act, keyring: Keyring, opened: dict[str, Any] | None) -> bool:
    """Whether an act was signed by who may. `opened`: the content of the act that opened the incident."""
    if not act.signed_right or opened is None:
        return False
    areas = opened.get("areas", [])
    roles = {
        each.role
        for each in keyring.counting(act.content["sender"], act.content["sent"])
        if each.covers(areas) or act.content["act"] not in _COMMANDING
    }
    if act.content["act"] in _COMMANDING:
        return bool(roles & {COMMANDER, DEPUTY})
    return bool(roles)


def incidents(acts: Iterable[Act], keyring: Keyring) -> list[Incident]:
    """Every incident, from acts in any order; acts that do not count are left out."""
    known = {act.id: act for act in acts}
    opened = {act.id: act.content for act in known.values() if act.content["act"] == OPEN}
    counting = [act for act in known.values() if counts(act, keyring, opened.get(act.incident))]
    by_incident: dict[str, list[Act]] = {}
    for act in counting:
        by_incident.setdefault(act.incident, []).append(act)
    found = [
        _incident(name, by_incident[name], opened[name])
        for name in sorted(by_incident)
        if any(act.id == name for act in by_incident[name])
    ]
    return sorted(found, key=lambda each: (-int(each.opened["sent"]), each.id))


def _incident(name: str, acts: list[Act], opened: dict[str, Any]) -> Incident:
    ordered, before = _ordered(acts)
    named = {each for act in ordered for each in act.content.get("after", [])}
    result = Incident(name, opened, ordered, [act.id for act in ordered if act.id not in named])
    result.stage, result.commander = opened["content"]["stage"], opened["sender"]
    for kind, about in _REPLACING.items():
        last = _last(ordered, before, kind)
        if len({_said(act) for act in last}) > 1:
            result.conflicts.append(Conflict(about, tuple(act.id for act in last)))
        if not last:
            continue
        if kind == STAGE:
            # Of two stages the graver one is shown until somebody who knows both decides.
            result.stage = max((act.content["content"]["stage"] for act in last), key=STAGES.index)
        elif kind == HANDOVER:
            result.commander = last[-1].content["content"]["to"]
        else:
            result.closed = True
    _note_acts_after_end(result, ordered, before)
    result.missing = _missing(ordered)
    return result


def _missing(ordered: list[Act]) -> list[dict[str, Any]]:
    """Who was reported missing, the latest first; `found` by whichever report says so, early or late."""
    reports = [act for act in ordered if act.content["act"] == "report"]
    found = {said["person"] for act in reports if (said := act.content["content"]).get("form") == FOUND}
    return [
        {
            "id": act.id,
            "name": said["name"],
            "where": said.get("where", ""),
            "text": said.get("text", ""),
            "since": act.content["sent"],
            "found": act.id in found,
        }
        for act in reversed(reports)
        if (said := act.content["content"]).get("form") == MISSING
    ]


def _note_acts_after_end(result: Incident, ordered: list[Act], before: dict[str, set[str]]) -> None:
    """One side closed the incident while the other went on."""
    ends = [act for act in ordered if act.content["act"] == CLOSE]
    beside = [
        act
        for act in ordered
        for end in ends
        if act.content["act"] in (STAGE, "order", HANDOVER)
        and act.id not in before[end.id]
        and end.id not in before[act.id]
    ]
    if beside:
        ids = dict.fromkeys(act.id for act in (*ends, *beside))
        result.conflicts.append(Conflict("closed", tuple(ids)))


def _said(act: Act) -> bytes:
    said = act.content["content"]
    return json_bytes({name: said[name] for name in ("stage", "to") if name in said})


def _last(ordered: list[Act], before: dict[str, set[str]], kind: str) -> list[Act]:
    """The acts of a kind that no other of the kind knew of."""
    mine = [act for act in ordered if act.content["act"] == kind]
    known = set().union(*(before[act.id] for act in mine)) if mine else set()
    return [act for act in mine if act.id not in known]


def _ordered(acts: list[Act]) -> tuple[list[Act], dict[str, set[str]]]:
    """Acts with causes before effects, and what each knew of. Acts that are not here count for nothing."""
    here = {act.id: act for act in acts}
    before: dict[str, set[str]] = {}
    waiting = sorted(acts, key=lambda act: (act.content["sent"], act.id))
    ordered: list[Act] = []
    while waiting:
        left = []
        for act in waiting:
            causes = [each for each in act.content.get("after", []) if each in here]
            if all(each in before for each in causes):
                before[act.id] = set(causes).union(*(before[each] for each in causes))
                ordered.append(act)
            else:
                left.append(act)
        assert len(left) < len(waiting), "an act's name covers what it names, so there is no circle"
        waiting = left
    return ordered, before
