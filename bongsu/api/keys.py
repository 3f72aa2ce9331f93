"""Device keys, one-time keys and who changed theirs. Spec: keys.yaml."""

import asyncio
from typing import Any

from bongsu import drafts, limits, ratelimit
from bongsu.api.http import Request, Response, Route, answer, json_object
from bongsu.api.key_checks import check_device_keys, check_fallback_keys, check_one_time_keys
from bongsu.errors import bad_json, invalid_param, missing_param
from bongsu.hub import residents
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.service import Service
from bongsu.sync.encryption import device_lists, key_counts
from bongsu.sync.token import decode
from bongsu.sync.v3 import read
from bongsu.view import keys, registers, users

# Others' requests get their turn after so many users of one query.
_USERS_AT_A_STRETCH = 100


async def upload(service: Service, request: Request) -> Response:
    """Publish keys of the requester's device."""
    node, who = service.node, request.who
    node.rate.check(ratelimit.WRITE, who.user_id)
    body = request.json()
    device_keys = body.get("device_keys")
    stored = keys.device_keys(node.context, who.user_id).get(who.device_id)
    if device_keys is not None:
        check_device_keys(device_keys, who.user_id, who.device_id)
    known = stored if device_keys is None else device_keys
    one_time = json_object(body, "one_time_keys")
    fallback = json_object(body, "fallback_keys")
    new = check_one_time_keys(node.context, who, one_time, known)
    check_fallback_keys(who, fallback, known)
    written: list[Draft] = []
    if device_keys is not None and device_keys != stored:
        written.append(_register(node, request, "device_keys", "", who.device_id, device_keys))
    for name, value in fallback.items():
        algorithm, _, key_id = name.partition(":")
        kept = {"key_id": key_id, "key": value}
        if registers.get(node.context, "fallback_key", who.user_id, who.device_id, algorithm) != kept:
            written.append(_register(node, request, "fallback_key", who.device_id, algorithm, kept))
    if new:
        stamp = keys.key_stamp(node.context, node.now_ms(), who.user_id, who.device_id)
        for name, share in keys.shares(new, _givers(service, who.user_id)).items():
            written.append(drafts.one_time_keys(who.user_id, who.device_id, name, share, stamp))
    under_way = {(who.user_id, who.device_id, name): keys.key_digest(key) for name, key in new.items()}
    if any(service.keys_uploading.get(name, digest) != digest for name, digest in under_way.items()):
        raise invalid_param("A key of the same name is being uploaded with another value. Make another key.")
    service.keys_uploading.update(under_way)
    try:
        if written:
            await node.write(*written)
    finally:
        for uploading in under_way:
            service.keys_uploading.pop(uploading, None)
    counts, _ = key_counts(node, who.user_id, who.device_id)
    return answer({"one_time_key_counts": counts})


def _givers(service: Service, user_id: str) -> list[str]:
    """The nodes that may be given keys to hand out: this one, core nodes linked with it, the user's hubs."""
    node = service.node
    linked = {link.peer.node for link in service.peers.links.values() if link.is_core}
    return sorted(each.hex() for each in {node.log.key.node, *linked, *residents.hub_nodes(node, user_id)})


def _register(node: Node, request: Request, family: str, key1: str, key2: str, value: Any) -> Draft:
    user_id = request.who.user_id
    stamp = registers.stamp_after(node.context, node.now_ms(), family, user_id, key1, key2)
    stamp = keys.key_stamp(node.context, stamp, user_id, request.who.device_id)
    return drafts.register(family, user_id, key1, key2, value, stamp, public=True)


async def query(service: Service, request: Request) -> Response:
    """The devices and keys of users."""
    node, who = service.node, request.who
    node.rate.check(ratelimit.READ, who.user_id)
    asked = _by_user(request.json(), "device_keys")
    found: dict[str, dict[str, Any]] = {
        "device_keys": {},
        "failures": {},
        "master_keys": {},
        "self_signing_keys": {},
        "user_signing_keys": {},
    }
    for number, (user_id, wanted) in enumerate(asked.items()):
        # nio writes {} where the spec has [].
        if not isinstance(wanted, list | dict) or not all(isinstance(each, str) for each in wanted):
            raise bad_json("`device_keys` maps user ids to lists of device ids.")
        if number % _USERS_AT_A_STRETCH == _USERS_AT_A_STRETCH - 1:
            await asyncio.sleep(0)
        if users.user(node.context, user_id) is not None:
            _keys_of(node, user_id, set(wanted), who.user_id, found)
    return answer(found)


def _by_user(body: dict[str, Any], name: str) -> dict[str, Any]:
    asked = json_object(body, name, required=True)
    if len(asked) > limits.USERS_AT_ONCE_MAX:
        raise invalid_param(f"Ask for at most {limits.USERS_AT_ONCE_MAX} users at once.")
    return asked


def _keys_of(
    node: Node, user_id: str, wanted: set[str], asked_by: str, found: dict[str, dict[str, Any]]
) -> None:
    """Put one user's keys into the answer, with the signatures the asking user may see."""
    context = node.context
    signatures = keys.signatures(context, user_id, asked_by)
    names = keys.devices(context, user_id)
    devices = {}
    for device_id, uploaded in keys.device_keys(context, user_id).items():
        if wanted and device_id not in wanted:
            continue
        devices[device_id] = _signed(uploaded, signatures.get(device_id))
        devices[device_id]["unsigned"] = {}
        if names[device_id]:
            devices[device_id]["unsigned"]["device_display_name"] = names[device_id]
    found["device_keys"][user_id] = devices
    for usage, key in keys.cross_signing(context, user_id).items():
        if usage != "user_signing" or user_id == asked_by:
            found[f"{usage}_keys"][user_id] = _signed(key, signatures.get(keys.public_key(key)[1]))


def _signed(uploaded: dict[str, Any], more: dict[str, dict[str, str]] | None) -> dict[str, Any]:
    merged = {signer: dict(by_key) for signer, by_key in uploaded.get("signatures", {}).items()}
    for signer, by_key in (more or {}).items():
        merged.setdefault(signer, {}).update(by_key)
    signed = dict(uploaded)
    if merged:
        signed["signatures"] = merged
    return signed


async def claim(service: Service, request: Request) -> Response:
    """Hand out one-time keys: each once, whoever else asks at the same moment."""
    node, who = service.node, request.who
    node.rate.check(ratelimit.WRITE, who.user_id)
    asked = _by_user(request.json(), "one_time_keys")
    wanted = []
    for user_id, by_device in asked.items():
        if not isinstance(by_device, dict) or not all(isinstance(each, str) for each in by_device.values()):
            raise bad_json("`one_time_keys` maps user ids to an object of device ids and algorithms.")
        wanted += [(user_id, device_id, algorithm) for device_id, algorithm in by_device.items()]
    if len(wanted) > limits.CLAIMS_AT_ONCE_MAX:
        raise invalid_param(f"Claim at most {limits.CLAIMS_AT_ONCE_MAX} keys at once.")
    return answer({"one_time_keys": await service.key_claims.claim(wanted), "failures": {}})


async def changes(service: Service, request: Request) -> Response:
    """Who changed their keys after a token, as /sync would have said."""
    node, who = service.node, request.who
    node.rate.check(ratelimit.READ, who.user_id)
    since, until = request.query("from"), request.query("to")
    if since is None or until is None:
        raise missing_param("`from` and `to` must be tokens of /sync.")
    # `to` is a hint (spec): a client that learns of later changes too looks them up once.
    decode(until)
    found = device_lists(node, who.user_id, read(node, decode(since)))
    return answer({"changed": found.get("changed", []), "left": found.get("left", [])})


ROUTES = [
    Route("POST", "/_matrix/client/v3/keys/upload", upload),
    Route("POST", "/_matrix/client/v3/keys/query", query),
    Route("POST", "/_matrix/client/v3/keys/claim", claim),
    Route("GET", "/_matrix/client/v3/keys/changes", changes),
]
