"""The brief: an alert in at most 200 bytes, for radio, with a signature of its own. Pure.

Lossless in every coded field and the areas; of the texts it has the Korean headline, as far as it fits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cbor2 import CBORDecodeError, dumps, loads

from bongsu import limits
from bongsu.errors import MatrixError, invalid_param
from bongsu.tower import alert as alerts
from bongsu.tower.alert import State
from bongsu.tower.fields import AREA
from bongsu.tower.keys import Keyring
from bongsu.tower.shorten import shorten
from bongsu.tower.signed import Sign, is_signed

VERSION = 1
DOMAIN = b"bongsu alert-brief 1\n"
ID_BYTES, KEY_BYTES, SIGNATURE_BYTES = 8, 4, 64
# Around the payload: an array, the payload's own length, the key's beginning, the signature.
_ENVELOPE_BYTES = 1 + 2 + (1 + KEY_BYTES) + (2 + SIGNATURE_BYTES)
_CODES = (
    ("status", alerts.STATUSES),
    ("msg_type", alerts.MESSAGE_TYPES),
    ("category", alerts.CATEGORIES),
    ("urgency", alerts.URGENCIES),
    ("severity", alerts.SEVERITIES),
    ("certainty", alerts.CERTAINTIES),
)


@dataclass(frozen=True, slots=True)
class Brief:
    """A brief as it came. `id`: the first 16 hex digits of the alert's; `references` likewise."""

    id: str
    words: dict[str, str]
    sent_ms: int
    expires_ms: int
    areas: list[str]
    event: str
    headline: str
    references: list[str]
    payload: bytes
    key: str  # the beginning of the id of the key that signed
    signature: bytes

    def content(self) -> dict[str, Any]:
        """As far as it goes, what the alert says."""
        return {
            **self.words,
            "scope": "Public",
            "sent": self.sent_ms,
            "expires": self.expires_ms,
            "areas": self.areas,
            "event": self.event,
            "texts": {"ko": {"headline": self.headline}},
            "references": self.references,
        }


def payload(content: dict[str, Any]) -> bytes:
    """What is signed of a brief, behind its domain.

    Raises:
        MatrixError: event and areas alone are too long for a radio frame.
    """
    room = limits.ALERT_BRIEF_BYTES_MAX - _ENVELOPE_BYTES
    headline = shorten(content["texts"]["ko"]["headline"], lambda text: len(_payload(content, text)) <= room)
    if not headline:
        raise invalid_param("The areas and the event are too long for radio. Name fewer or larger areas.")
    return _payload(content, headline)


def _payload(content: dict[str, Any], headline: str) -> bytes:
    code = 0
    for name, words in reversed(_CODES):
        code = code * 16 + words.index(content[name])
    lasts_s = (content["expires"] - content["sent"]) // 1000
    references = [bytes.fromhex(each)[:ID_BYTES] for each in content.get("references", [])]
    named = bytes.fromhex(alerts.alert_id(content))[:ID_BYTES]
    return dumps(
        [
            VERSION,
            named,
            code,
            content["sent"] // 1000,
            lasts_s,
            content["areas"],
            content["event"],
            headline,
            references,
        ],
        canonical=True,
    )


def sign(signed_payload: bytes, sign_bytes: Sign) -> bytes:
    """One signature of a brief."""
    return sign_bytes(DOMAIN + signed_payload)


def encode(signed_payload: bytes, key: str, signature: bytes) -> bytes:
    """The brief as it is sent, with the signature of the key of this id.

    An alert that needs two keys goes out as two briefs: both signatures would leave no room for words.
    """
    raw = dumps([signed_payload, bytes.fromhex(key)[:KEY_BYTES], signature], canonical=True)
    assert len(raw) <= limits.ALERT_BRIEF_BYTES_MAX, "payload() leaves room for one signature"
    return raw


def decode(raw: bytes) -> Brief:
    """Read a brief; who signed it is not looked at.

    Raises:
        MatrixError: it is none.
    """
    if len(raw) > limits.ALERT_BRIEF_BYTES_MAX:
        raise _unreadable()
    try:
        signed_payload, key, signature = loads(raw)
        version, named, code, sent_s, lasts_s, areas, event, headline, references = loads(signed_payload)
        words = {}
        left = code
        for name, allowed in _CODES:
            words[name] = allowed[left % 16]
            left //= 16
        named_references = [bytes(each).hex() for each in references]
        exact = left == 0 and dumps([signed_payload, key, signature], canonical=True) == raw
        exact = exact and len(key) == KEY_BYTES and len(signature) == SIGNATURE_BYTES
        key = bytes(key).hex()
    except (CBORDecodeError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise _unreadable() from error
    numbers = all(type(each) is int and 0 < each < 2**40 for each in (sent_s, lasts_s))
    good = exact and version == VERSION and numbers and isinstance(named, bytes) and len(named) == ID_BYTES
    good = good and isinstance(event, str) and isinstance(headline, str) and isinstance(areas, list)
    if not good or not all(isinstance(each, str) and AREA.fullmatch(each) for each in areas):
        raise _unreadable()
    return Brief(
        named.hex(),
        words,
        sent_s * 1000,
        (sent_s + lasts_s) * 1000,
        areas,
        event,
        headline,
        named_references,
        signed_payload,
        key,
        signature,
    )


def counts(briefs: Sequence[Brief], keyring: Keyring) -> State:
    """Whether briefs of one payload were signed by who may, as `alert.counts` says of the whole alert."""
    content = briefs[0].content()
    keys = frozenset(signers(briefs, keyring))
    states = [
        alerts.counts(alerts.Alert("", {**content, "sender": key}, keys), keyring) for key in sorted(keys)
    ]
    return min(states, key=list(State).index, default=State.REFUSED)


def signers(briefs: Iterable[Brief], keyring: Keyring) -> list[str]:
    """The ids of the keys whose signatures are right."""
    return sorted(
        {
            key
            for each in briefs
            for key, known in keyring.keys.items()
            if key.startswith(each.key)
            and is_signed(DOMAIN + each.payload, known[0].public_key, each.signature)
        }
    )


def _unreadable() -> MatrixError:
    return invalid_param("This brief is damaged or of a later version.")
