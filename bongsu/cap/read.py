"""Alerts of others: what is believed of a CAP document, and where a feed says that documents are."""

import contextlib
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urljoin

from bongsu import limits
from bongsu.cap.signing import verified
from bongsu.cap.xml import ATOM, CAP, check_schema, parse
from bongsu.errors import MatrixError, invalid_param
from bongsu.tower import alert
from bongsu.tower.shorten import shorten

_TEXTS = ("headline", "description", "instruction")
_DAY_MS = 86_400_000


def read_alert(raw: bytes, certificate: str | None, now_ms: int) -> tuple[dict[str, Any], bool]:
    """(alert, whether a pinned certificate proves it). Its `id` names sender, identifier and time: a replay.

    Raises:
        MatrixError: a sentence about why nothing of it is believed.
    """
    root = parse(raw)
    check_schema(root)
    if certificate is not None:
        root = verified(root, certificate)
        check_schema(root)
    found = _fields(root)
    if found["status"] not in alert.STATUSES or found["scope"] == "Private":
        raise invalid_param(f"An alert of status {found['status']} and scope {found['scope']} is not shown.")
    if found["expires"] <= now_ms:
        raise invalid_param("The alert has expired. It is not shown.")
    if not now_ms - limits.ALERT_LASTS_MS_MAX <= found["sent"] <= now_ms + limits.ALERT_CLOCK_MS:
        raise invalid_param("The alert was sent more than a week ago, or in the future. It is not shown.")
    return found, certificate is not None


def _fields(root: Any) -> dict[str, Any]:
    infos = root.findall(f"{{{CAP}}}info")
    if not infos:
        raise invalid_param("The alert has no text. It is not shown.")
    first = infos[0]
    sender, identifier, sent = (_text(root, name) for name in ("sender", "identifier", "sent"))
    sent_ms = _time_ms(sent)
    expires = _text(first, "expires")
    areas = [_text(each, "areaDesc")[:100] for info in infos for each in info.findall(f"{{{CAP}}}area")]
    return {
        "id": _id(sender, identifier, sent_ms),
        "identifier": identifier[:200],
        "sender": sender[:200],
        "sender_name": _text(first, "senderName")[:200] or sender[:200],
        "sent": sent_ms,
        "expires": _time_ms(expires) if expires else sent_ms + _DAY_MS,
        "status": _text(root, "status"),
        "msg_type": _text(root, "msgType"),
        "scope": _text(root, "scope"),
        "references": _text(root, "references")[:2_000],
        "ends": _ends(_text(root, "msgType"), _text(root, "references")),
        "category": _text(first, "category"),
        "event": _text(first, "event")[:100],
        "urgency": _text(first, "urgency"),
        "severity": _text(first, "severity"),
        "certainty": _text(first, "certainty"),
        "areas": list(dict.fromkeys(areas))[: limits.TOWER_AREAS_MAX],
        "texts": _texts(infos),
    }


def _id(sender: str, identifier: str, sent_ms: int) -> str:
    return sha256("\n".join((sender, identifier, str(sent_ms))).encode()).hexdigest()[:32]


def _ends(msg_type: str, references: str) -> list[str]:
    """The ids of the alerts that an Update or Cancel takes the place of. CAP 1.2 § 3.2.1, references."""
    if msg_type not in ("Update", "Cancel"):
        return []
    found = []
    for named in references.split():
        parts = named.split(",")
        # What names its predecessor badly is shown all the same.
        with contextlib.suppress(MatrixError, ValueError):
            sender, identifier, sent = parts
            found.append(_id(sender, identifier, _time_ms(sent)))
    return found[: limits.TOWER_REFERENCES_MAX]


def _texts(infos: list[Any]) -> dict[str, dict[str, str]]:
    """By language; what is in neither Korean nor English stands under its own."""
    found: dict[str, dict[str, str]] = {}
    for info in infos[:8]:
        language = (_text(info, "language") or "en").partition("-")[0].lower()[:8]
        said = {name: _bounded(_text(info, name), alert.TEXTS[name]) for name in _TEXTS}
        said["headline"] = said["headline"] or _bounded(_text(info, "event"), alert.TEXTS["headline"])
        found.setdefault(language, said)
    return found


def _bounded(text: str, characters_max: int) -> str:
    return shorten(text, lambda each: len(each) <= characters_max)


def _text(element: Any, name: str) -> str:
    found = element.find(f"{{{CAP}}}{name}")
    return "" if found is None or found.text is None else str(found.text).strip()


def _time_ms(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp()) * 1000
    except (ValueError, OverflowError, OSError):
        raise invalid_param(f"{text[:40]} is no time of this world. The alert is not shown.") from None


def documents(raw: bytes, url: str) -> tuple[list[bytes], list[str]]:
    """(alerts that stand in a document, addresses of others): the document is an alert, or a feed of some.

    Raises:
        MatrixError: it is neither.
    """
    root = parse(raw)
    if root.tag == f"{{{CAP}}}alert":
        return [raw], []
    if root.tag == f"{{{ATOM}}}feed":
        links = [
            each.get("href")
            for entry in root.findall(f"{{{ATOM}}}entry")
            for each in entry.findall(f"{{{ATOM}}}link")
            if each.get("rel", "alternate") == "alternate"
        ]
    elif root.tag == "rss":
        links = [each.text for each in root.findall("channel/item/link")]
    else:
        raise invalid_param("This is neither a CAP 1.2 alert nor an Atom or RSS feed of alerts.")
    found = [urljoin(url, str(link).strip()) for link in links if link]
    return [], list(dict.fromkeys(found))[: limits.FEED_ALERTS_MAX]
