"""Messages from device to device. Spec: to_device.yaml."""

from typing import Any

from bongsu import drafts, limits, ratelimit
from bongsu.api.http import Request, Response, Route, answer, json_object
from bongsu.canonical import json_bytes
from bongsu.errors import bad_json, invalid_param, too_large
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.service import Service
from bongsu.view import keys


async def send_to_device(service: Service, request: Request) -> Response:
    """Send one message to each device named. A retry with the same transaction id sends nothing twice."""
    node, who = service.node, request.who
    node.rate.check(ratelimit.WRITE, who.user_id)
    event_type, txn_id = request.path_parameters["eventType"], request.path_parameters["txnId"]
    if any(len(name.encode()) > limits.ID_BYTES_MAX for name in (event_type, txn_id)):
        raise invalid_param("The event type and the transaction id may have 255 bytes.")
    messages = json_object(request.json(floats=True), "messages", required=True)
    recipients: list[tuple[tuple[str, str], Any]] = []
    for user_id, by_device in messages.items():
        if not isinstance(by_device, dict):
            raise bad_json("`messages` maps user ids to an object of device ids and messages.")
        recipients += _recipients(node, user_id, by_device)
    if len(recipients) > limits.TO_DEVICE_AT_ONCE_MAX:
        raise invalid_param(f"Send at most {limits.TO_DEVICE_AT_ONCE_MAX} messages at once.")
    sender = (who.user_id, who.device_id)
    written: list[Draft] = []
    for recipient, content in recipients:
        stamp = keys.key_stamp(node.context, node.now_ms(), *recipient)
        written.append(drafts.to_device(sender, txn_id, event_type, recipient, content, stamp))
    if written:
        await node.write(*written)
    return answer({})


def _recipients(node: Node, user_id: str, by_device: dict[str, Any]) -> list[tuple[tuple[str, str], Any]]:
    """(recipient, message) of one user's devices; `*` means all, and unknown ones get nothing."""
    known = keys.devices(node.context, user_id)
    found: dict[str, Any] = {}
    for device_id, content in by_device.items():
        if not isinstance(content, dict):
            raise bad_json("A message must be an object.")
        if len(json_bytes(content)) > limits.EVENT_BYTES_MAX:
            raise too_large(f"A message may have {limits.EVENT_BYTES_MAX} bytes.")
        if device_id == "*":
            found = {**dict.fromkeys(known, content), **found}
        elif device_id in known:
            found[device_id] = content
    return [((user_id, device_id), content) for device_id, content in found.items()]


ROUTES = [Route("PUT", "/_matrix/client/v3/sendToDevice/{eventType}/{txnId}", send_to_device)]
