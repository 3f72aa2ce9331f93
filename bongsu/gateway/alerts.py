"""What push gateways are told of an alert, and whom it concerns."""

from typing import Any

from bongsu.node import Node
from bongsu.view import tower_people

TYPE = "kr.bongsu.alert"


def audience(node: Node, name: str, users: set[str]) -> set[str]:
    """Those of `users` to be told of the alert: of its areas; all, where nobody is known to live there."""
    shown = node.context.tower.alerts().get(name)
    if shown is None or not shown.warns_at(node.now_ms()):
        return set()
    asked = tower_people.asked(tower_people.areas_of_people(node.context), shown.content["areas"])
    return users & asked.keys() if asked else users


def recent(node: Node, since_ms: int) -> list[str]:
    """Alerts sent since, which a crash may have kept from their gateways."""
    return [
        name for name, shown in node.context.tower.alerts().items() if int(shown.content["sent"]) >= since_ms
    ]


def notification(node: Node, name: str, data: dict[str, Any]) -> dict[str, Any]:
    """The body without the device. `data`: of the pusher; one that wants ids alone gets no words."""
    told: dict[str, Any] = {"event_id": name, "type": TYPE, "prio": "high", "counts": {}}
    shown = node.context.tower.alerts().get(name)
    if data.get("format") != "event_id_only" and shown is not None:
        content = shown.content
        told["content"] = {
            "status": content["status"],
            "msg_type": content["msg_type"],
            "severity": content["severity"],
            "event": content["event"],
            "headline": {language: said["headline"] for language, said in content["texts"].items()},
        }
    return told
