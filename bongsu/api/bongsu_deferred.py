"""What a visitor leaves at a hub that does not keep his room: docs/protocol/client.md.

No token: the visitor has no account here. The device's own signature is looked at where the room is kept."""

from bongsu import drafts, limits, ratelimit
from bongsu.api.http import Request, Response, Route, answer, integer, json_object, string
from bongsu.canonical import canonical_bytes
from bongsu.clock import next_stamp
from bongsu.errors import invalid_param, too_large
from bongsu.ids import is_room_id, is_user_id
from bongsu.service import Service
from bongsu.signing import signature_of


async def post_deferred(service: Service, request: Request) -> Response:
    """POST /_bongsu/client/v1/deferred_sends: a message that the device signed, for a room kept elsewhere."""
    node = service.node
    node.rate.check(ratelimit.DEFERRED, request.address)
    body = request.json()
    said = {
        "user_id": string(body, "user_id"),
        "device_id": string(body, "device_id"),
        "room_id": string(body, "room_id"),
        "type": string(body, "type"),
        "txn_id": string(body, "txn_id"),
        "content": json_object(body, "content", required=True),
        "ts": integer(body, "ts", 0, limits.JSON_INTEGER_MAX),
        "signatures": json_object(body, "signatures", required=True),
    }
    texts = [value for value in said.values() if isinstance(value, str)]
    if any(not 0 < len(text.encode()) <= limits.ID_BYTES_MAX for text in texts):
        raise invalid_param("A name in the request is empty or too long.")
    if not is_user_id(str(said["user_id"])) or not is_room_id(str(said["room_id"])):
        raise invalid_param("A user looks like @name:server, and a room begins with an exclamation mark.")
    if signature_of(said, str(said["user_id"]), f"ed25519:{said['device_id']}") is None:
        raise invalid_param("The request lacks the signature of the device.")
    if len(canonical_bytes(said)) > limits.EVENT_BYTES_MAX:
        raise too_large(f"A message has {limits.EVENT_BYTES_MAX} bytes at most.")
    await node.write(drafts.deferred_send(said, next_stamp(node.now_ms())))
    return answer({"site": node.config.site})


ROUTES = [Route("POST", "/_bongsu/client/v1/deferred_sends", post_deferred, auth="none")]
