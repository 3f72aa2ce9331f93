"""Alerts: what one may say, and which of them stand (DESIGN 8; CAP 1.2). Pure; no clock judges."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bongsu import limits
from bongsu.canonical import json_bytes
from bongsu.errors import invalid_param
from bongsu.tower import fields, signed
from bongsu.tower.keys import Keyring, TowerKey

# The words and their order are CAP's; the compact form counts them, so that new ones only go to the end.
STATUSES = ("Actual", "Exercise", "Test")
MESSAGE_TYPES = ("Alert", "Update", "Cancel", "Ack", "Error")
SCOPES = ("Public", "Restricted", "Private")
CATEGORIES = (
    "Geo",
    "Met",
    "Safety",
    "Security",
    "Rescue",
    "Fire",
    "Health",
    "Env",
    "Transport",
    "Infra",
    "CBRNE",
    "Other",
)
URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
TEXTS = {"headline": 160, "description": 2_000, "instruction": 2_000}
BRIEF_ID_CHARACTERS = 16
_WORDS = {
    "status": STATUSES,
    "msg_type": MESSAGE_TYPES,
    "scope": SCOPES,
    "category": CATEGORIES,
    "urgency": URGENCIES,
    "severity": SEVERITIES,
    "certainty": CERTAINTIES,
}
_FIELDS = (*_WORDS, "sender", "sent", "expires", "event", "areas", "texts", "references", "incident")


class State(StrEnum):
    """What became of an alert."""

    STANDING = "standing"
    PENDING = "pending"  # the key needs a second, who has not signed yet
    REPLACED = "replaced"
    CANCELLED = "cancelled"
    NOTE = "note"  # Ack and Error speak of another message and warn of nothing
    REFUSED = "refused"  # nobody signed it who may


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it was signed. `signers`: ids of keys whose signatures are right."""

    id: str
    content: dict[str, Any]
    signers: frozenset[str]

    @property
    def sender(self) -> str:
        """The key that speaks."""
        return str(self.content["sender"])

    @property
    def references(self) -> list[str]:
        """The alerts it is about."""
        return list(self.content.get("references", []))


def check(content: Any) -> dict[str, Any]:
    """The content of an alert, which says all it must and nothing else.

    Raises:
        MatrixError: a sentence about what is wrong.
    """
    found = fields.only(content, _FIELDS)
    for name, words in _WORDS.items():
        fields.word(found, name, words)
    fields.identifier(found, "sender")
    sent, expires = fields.time_ms(found, "sent"), fields.time_ms(found, "expires")
    if not sent < expires <= sent + limits.ALERT_LASTS_MS_MAX:
        days = limits.ALERT_LASTS_MS_MAX // 86_400_000
        raise invalid_param(f"`expires` must be later than `sent`, by at most {days} days.")
    fields.text(found, "event", limits.ALERT_EVENT_CHARACTERS_MAX)
    fields.areas(found)
    fields.texts(found, TEXTS)
    references = fields.identifiers(found, "references")
    if (found["msg_type"] == "Alert") == bool(references):
        raise invalid_param(
            "`references` names what an Update, Cancel, Ack or Error is about; an Alert has none."
        )
    if "incident" in found:
        fields.identifier(found, "incident")
    return found


def alert_id(content: dict[str, Any]) -> str:
    """The alert's identifier: it names the very words that were signed."""
    return signed.statement_id(signed.ALERT, content)


def brief_id(name: str) -> str:
    """The id of the alert's brief: answers to either are answers to both."""
    return name[:BRIEF_ID_CHARACTERS]


def counts(alert: Alert, keyring: Keyring) -> State:
    """Whether it was signed by who may: STANDING, PENDING or REFUSED; what it is about is not looked at."""
    sent, areas = int(alert.content["sent"]), alert.content["areas"]
    mine = _permitting(keyring, alert.sender, sent, areas)
    if alert.sender not in alert.signers or not mine:
        return State.REFUSED
    if any(not each.two_person for each in mine):
        return State.STANDING
    users = {user for each in mine for user in each.users}
    for other in alert.signers - {alert.sender}:
        for second in _permitting(keyring, other, sent, areas):
            if not users & set(second.users):
                return State.STANDING
    return State.PENDING


def _permitting(keyring: Keyring, key: str, sent: int, areas: list[str]) -> list[TowerKey]:
    return [each for each in keyring.counting(key, sent) if each.covers(areas)]


def judge(alerts: Iterable[Alert], keyring: Keyring) -> dict[str, State]:
    """What became of each alert, by id: a function of alerts and keys alone, in any order."""
    known = {each.id: each for each in alerts}
    states = {name: counts(each, keyring) for name, each in known.items()}
    standing = [known[name] for name, state in states.items() if state is State.STANDING]
    for each in standing:
        if each.content["msg_type"] in ("Ack", "Error"):
            states[each.id] = State.NOTE
    for each in standing:
        kind = each.content["msg_type"]
        if kind not in ("Update", "Cancel"):
            continue
        for name in each.references:
            if states.get(name) in (State.STANDING, State.REPLACED) and _may_end(each, known[name], keyring):
                states[name] = State.CANCELLED if kind == "Cancel" else State.REPLACED
    return states


def _may_end(later: Alert, earlier: Alert, keyring: Keyring) -> bool:
    """An exercise ends no real alert, and who may not warn an area may not call off its warnings."""
    if later.content["status"] != earlier.content["status"]:
        return False
    areas = earlier.content["areas"]
    return bool(_permitting(keyring, later.sender, int(later.content["sent"]), areas))


def is_foreign(content: Any) -> bool:
    """Whether it has what clients read of somebody else's alert; a node that lies may write anything."""
    if not isinstance(content, dict) or len(json_bytes(content)) > limits.FOREIGN_ALERT_BYTES_MAX:
        return False
    texts = content.get("texts")
    words = all(isinstance(content.get(name), str) for name in (*_WORDS, "event", "sender", "identifier"))
    times = all(type(content.get(name)) is int for name in ("sent", "expires"))
    said = isinstance(texts, dict) and all(
        isinstance(each, dict) and isinstance(each.get("headline"), str) for each in texts.values()
    )
    areas = content.get("areas")
    named = isinstance(areas, list) and all(isinstance(each, str) for each in areas)
    ends = content.get("ends", [])
    ids = isinstance(ends, list) and all(signed.is_id(each) for each in ends)
    return words and times and said and named and ids and signed.is_id(content.get("id"))


def may_end_foreign(later: dict[str, Any], earlier: dict[str, Any]) -> bool:
    """Whether others' Update or Cancel counts for an alert it names: by the same sender, as real as that."""
    return bool(later["sender"] == earlier["sender"] and later["status"] == earlier["status"])


def warns(content: dict[str, Any]) -> bool:
    """Whether it tells people of a danger, or that one has passed: what clients show."""
    return content["msg_type"] in ("Alert", "Update", "Cancel")
