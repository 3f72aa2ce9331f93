"""Alerts of ours as CAP 1.2, and the list of them as an Atom feed."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from lxml import etree

from bongsu.cap.xml import ATOM, CAP
from bongsu.view.tower import Shown

_KOREA = timezone(timedelta(hours=9))
_LANGUAGES = {"ko": "ko-KR", "en": "en-US"}
AREA_CODE = "kr.bongsu.area"


def cap_time(time_ms: int) -> str:
    """A time as CAP writes it, in Korea's zone."""
    return datetime.fromtimestamp(time_ms / 1000, _KOREA).isoformat(timespec="seconds")


def cap_alert(shown: Shown, names: list[str], server_name: str, known: dict[str, Shown]) -> Any:
    """The alert's element, not signed yet. `names`: who signed; `known`: alerts it may refer to."""
    content = shown.content
    root = etree.Element(f"{{{CAP}}}alert", nsmap={None: CAP})
    _add(root, "identifier", shown.id)
    _add(root, "sender", server_name)
    _add(root, "sent", cap_time(content["sent"]))
    _add(root, "status", content["status"])
    _add(root, "msgType", content["msg_type"])
    _add(root, "source", ", ".join(names))
    _add(root, "scope", content["scope"])
    references = [known[name] for name in content.get("references", []) if name in known]
    if references:
        named = (f"{server_name},{each.id},{cap_time(each.content['sent'])}" for each in references)
        _add(root, "references", " ".join(named))
    if "incident" in content:
        _add(root, "incidents", content["incident"])
    for language, said in content["texts"].items():
        _add_info(root, content, _LANGUAGES[language], said, names, server_name)
    return root


def _add_info(
    root: Any,
    content: dict[str, Any],
    language: str,
    said: dict[str, str],
    names: list[str],
    server_name: str,
) -> None:
    info = etree.SubElement(root, f"{{{CAP}}}info")
    _add(info, "language", language)
    for name in ("category", "event", "urgency", "severity", "certainty"):
        _add(info, name, content[name])
    _add(info, "expires", cap_time(content["expires"]))
    _add(info, "senderName", ", ".join(names))
    for name in ("headline", "description", "instruction"):
        if said.get(name):
            _add(info, name, said[name])
    for area in content["areas"] or [server_name]:
        element = etree.SubElement(info, f"{{{CAP}}}area")
        _add(element, "areaDesc", area)
        if content["areas"]:
            code = etree.SubElement(element, f"{{{CAP}}}geocode")
            _add(code, "valueName", AREA_CODE)
            _add(code, "value", area)


def feed(
    alerts: list[Shown], names: dict[str, list[str]], server_name: str, base_url: str, now_ms: int
) -> bytes:
    """The Atom feed of alerts, the latest first. `names`: who signed, by alert id."""
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})
    updated = max((each.content["sent"] for each in alerts), default=now_ms)
    own = f"{base_url}/_bongsu/cap/feed.atom"
    _add(root, "id", own, ATOM)
    _add(root, "title", f"{server_name} 경보 · alerts", ATOM)
    _add(root, "updated", _atom_time(updated), ATOM)
    etree.SubElement(root, f"{{{ATOM}}}link", rel="self", href=own)
    for each in alerts:
        entry = etree.SubElement(root, f"{{{ATOM}}}entry")
        url = f"{base_url}/_bongsu/cap/{each.id}.xml"
        _add(entry, "id", url, ATOM)
        status = "" if each.content["status"] == "Actual" else f"[{each.content['status']}] "
        _add(entry, "title", status + each.content["texts"]["ko"]["headline"], ATOM)
        _add(entry, "updated", _atom_time(each.content["sent"]), ATOM)
        author = etree.SubElement(entry, f"{{{ATOM}}}author")
        _add(author, "name", ", ".join(names[each.id]) or server_name, ATOM)
        etree.SubElement(entry, f"{{{ATOM}}}link", type="application/cap+xml", href=url)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")  # type: ignore[no-any-return]


def _atom_time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _add(parent: Any, name: str, text: str, namespace: str = CAP) -> None:
    # Control characters, which JSON may hold, have no place in XML.
    kept = "".join(letter for letter in text if letter in "\t\n" or letter >= " ")
    etree.SubElement(parent, f"{{{namespace}}}{name}").text = kept.replace("\ufffe", "").replace("\uffff", "")
