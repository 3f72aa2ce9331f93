"""Cross-signing keys, and signatures on keys. Spec: cross_signing.yaml."""

from typing import Any

from bongsu import drafts, limits, ratelimit
from bongsu.api.http import Request, Response, Route, answer
from bongsu.api.key_checks import check_cross_signing_key, check_signatures_shape, invalid_signature
from bongsu.errors import MatrixError, bad_json, forbidden, invalid_param, missing_param, not_found
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.service import Service
from bongsu.signing import is_signed, signed_part, verifies
from bongsu.view import keys, registers
from bongsu.view.context import Context

_USAGES = ("master", "self_signing", "user_signing")


async def upload_keys(service: Service, request: Request) -> Response:
    """Publish the user's cross-signing keys. They are replaced as one value (DESIGN 5.3)."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    body = request.json()
    uploaded = {usage: body[f"{usage}_key"] for usage in _USAGES if body.get(f"{usage}_key") is not None}
    new = _checked(node.context, user_id, uploaded)
    stored = keys.cross_signing(node.context, user_id)
    if stored and not _same(uploaded, stored):
        act = f"cross-signing {user_id}"
        await service.interactive.require(body, [["m.login.password"]], act, user_id)
        # Read again: time has passed while the password was checked.
        new = _checked(node.context, user_id, uploaded)
    if new != keys.cross_signing(node.context, user_id):
        stamp = registers.stamp_after(node.context, node.now_ms(), "cross_signing", user_id, "", "")
        await node.write(drafts.register("cross_signing", user_id, "", "", new, stamp, public=True))
    return answer({})


def _same(uploaded: dict[str, Any], stored: dict[str, Any]) -> bool:
    """Whether the request holds no new key, so that a retried one needs no password."""
    return all(usage in stored and stored[usage]["keys"] == key["keys"] for usage, key in uploaded.items())


def _checked(context: Context, user_id: str, uploaded: dict[str, Any]) -> dict[str, Any]:
    """What is stored once `uploaded` is: keys of an older master key do not outlive it.

    Raises:
        MatrixError: 400 M_MISSING_PARAM without any master key, M_INVALID_SIGNATURE; 403.
    """
    for usage, key in uploaded.items():
        check_cross_signing_key(key, usage, user_id)
    stored = keys.cross_signing(context, user_id)
    master = uploaded.get("master", stored.get("master"))
    if master is None:
        raise missing_param("There is no master key. Upload `master_key` first or with the others.")
    if "master" in stored and stored["master"]["keys"] != master["keys"]:
        stored = {}
    key_id, public = keys.public_key(master)
    for usage in ("self_signing", "user_signing"):
        if usage in uploaded and not is_signed(uploaded[usage], user_id, key_id, public):
            raise invalid_signature(f"`{usage}_key` is not signed by the master key.")
    taken = keys.devices(context, user_id)
    if any(keys.public_key(key)[1] in taken for key in uploaded.values()):
        raise forbidden("A key has the name of one of your devices. Make another key.")
    return {**stored, **{usage: _own_signatures(key, user_id) for usage, key in uploaded.items()}}


def _own_signatures(key: dict[str, Any], user_id: str) -> dict[str, Any]:
    """The key without signatures that others are said to have made."""
    kept = {name: field for name, field in key.items() if name not in ("signatures", "unsigned")}
    own = key.get("signatures", {}).get(user_id)
    if own:
        kept["signatures"] = {user_id: own}
    return kept


async def upload_signatures(service: Service, request: Request) -> Response:
    """Publish signatures on one's own keys, or on others' master keys."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    failures: dict[str, dict[str, Any]] = {}
    written: list[Draft] = []
    asked = request.json()
    if sum(len(each) for each in asked.values() if isinstance(each, dict)) > limits.SIGNATURES_AT_ONCE_MAX:
        raise invalid_param(f"Upload at most {limits.SIGNATURES_AT_ONCE_MAX} signatures at once.")
    for owner, by_target in asked.items():
        if not isinstance(by_target, dict):
            raise bad_json("The body maps user ids to an object of key ids and signed keys.")
        for target, signed in by_target.items():
            try:
                written += _signature_drafts(node, user_id, owner, target, signed)
            except MatrixError as error:
                failures.setdefault(owner, {})[target] = error.body()
    if written:
        await node.write(*written)
    return answer({"failures": failures})


def _signature_drafts(node: Node, user_id: str, owner: str, target: str, signed: Any) -> list[Draft]:
    """The records of one target's new signatures.

    Raises:
        MatrixError: why they are not taken.
    """
    context = node.context
    stored = _target(context, user_id, owner, target)
    if not isinstance(signed, dict):
        raise bad_json("A signed key must be an object.")
    check_signatures_shape(signed, "the key")
    if signed_part(signed) != signed_part(stored):
        raise invalid_param("This is not the key that was uploaded. Query it again and sign that.")
    made = signed.get("signatures", {}).get(user_id)
    if not made:
        raise invalid_signature("There is no signature of yours on this key.")
    signers = _signers(context, user_id, owner, target)
    written = []
    for key_id, signature in made.items():
        if stored.get("signatures", {}).get(user_id, {}).get(key_id) == signature:
            continue
        if key_id not in signers or not verifies(stored, signers[key_id], signature):
            raise invalid_signature(f"The signature by {key_id[:100]} does not fit this key.")
        name = f"{user_id} {key_id}"
        if registers.get(context, "signature", owner, target, name) != signature:
            stamp = registers.stamp_after(context, node.now_ms(), "signature", owner, target, name)
            written.append(drafts.register("signature", owner, target, name, signature, stamp, public=True))
    return written


def _target(context: Context, user_id: str, owner: str, target: str) -> dict[str, Any]:
    """The key that is signed: one's own device or master key, or another's master key."""
    if owner == user_id:
        device = keys.device_keys(context, owner).get(target)
        if device is not None:
            return device
    master = keys.cross_signing(context, owner).get("master")
    if master is None or keys.public_key(master)[1] != target:
        raise not_found("There is no such key that you could sign.")
    return master


def _signers(context: Context, user_id: str, owner: str, target: str) -> dict[str, str]:
    """The keys whose signature counts there, by key id."""
    own = keys.cross_signing(context, user_id)
    devices = keys.device_keys(context, user_id)
    if owner != user_id:
        return dict([keys.public_key(own["user_signing"])]) if "user_signing" in own else {}
    if target in devices:
        return dict([keys.public_key(own["self_signing"])]) if "self_signing" in own else {}
    return {
        key_id: key
        for device in devices.values()
        for key_id, key in device["keys"].items()
        if key_id.startswith("ed25519:")
    }


ROUTES = [
    Route("POST", "/_matrix/client/v3/keys/device_signing/upload", upload_keys),
    Route("POST", "/_matrix/client/v3/keys/signatures/upload", upload_signatures),
]
