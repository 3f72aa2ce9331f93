"""Tower keys: handed in by whoever carries them, since the root key's signature decides; and listed."""

from typing import Any

from bongsu import ratelimit, tower_drafts
from bongsu.api.http import Request, Response, Route, answer, string
from bongsu.clock import next_stamp
from bongsu.errors import not_found
from bongsu.node import Node
from bongsu.service import Service
from bongsu.tower import keys
from bongsu.tower.keys import Keyring, TowerKey


async def take_key(node: Node, text: str) -> str:
    """Write a tower key's statement, or its end, into this node's log; the key's id.

    Raises:
        MatrixError: the root key of this service did not sign it.
    """
    root_key = node.context.authorities.root_key
    if root_key is None:
        raise not_found("This service has no root key, so nobody can be given a tower key.")
    keyring, stamp = node.context.tower.keyring(), next_stamp(node.now_ms())
    if text.startswith("tower-key-end:"):
        end = keys.read_end(root_key, text)
        if end.replaces(keyring.ends.get(end.key)):
            await node.write(tower_drafts.tower_key_end(text, stamp))
        return end.key
    key = keys.read_key(root_key, text)
    if key not in keyring.keys.get(key.id, ()):
        await node.write(tower_drafts.tower_key(text, stamp))
    return key.id


async def post_key(service: Service, request: Request) -> Response:
    """POST /_bongsu/node/v1/tower_keys: a statement of the root key about a tower key."""
    service.node.rate.check(ratelimit.AUTHORITY, request.address)
    return answer({"key": await take_key(service.node, string(request.json(), "statement"))})


async def get_keys(service: Service, request: Request) -> Response:
    """GET /_bongsu/client/v1/tower/keys: who may warn whom; everybody may know that."""
    node = service.node
    keyring = node.context.tower.keyring()
    mine = {each.id for each in keyring.roles(request.who.user_id, node.now_ms())}
    found = [
        {**_fields(keyring, each), "mine": each.id in mine}
        for known in keyring.keys.values()
        for each in known
    ]
    return answer({"keys": found, "now": node.now_ms()})


def _fields(keyring: Keyring, key: TowerKey) -> dict[str, Any]:
    end = keyring.ends.get(key.id)
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "areas": list(key.areas),
        "two_person": key.two_person,
        "users": list(key.users),
        "issued": key.issued_ms,
        "expires": key.expires_ms,
        "ended": None if end is None else end.until_ms,
    }


ROUTES = [
    Route("POST", "/_bongsu/node/v1/tower_keys", post_key, auth="none"),
    Route("GET", "/_bongsu/client/v1/tower/keys", get_keys),
]
