"""Queries: devices, their keys, cross-signing keys and signatures. Each is a register: the last writer's.

Families: device, device_name, device_keys, cross_signing, signature, fallback_key, fallback_used.
"""

from hashlib import sha256
from typing import Any

from bongsu.canonical import canonical_bytes, read_trusted
from bongsu.clock import next_stamp
from bongsu.view import registers
from bongsu.view.context import Context
from bongsu.view.touched import KEYS

_KEY_FAMILIES = "('device_keys', 'cross_signing', 'signature')"


def key_digest(value: Any) -> str:
    """What names a key beyond its key id."""
    return sha256(canonical_bytes(value)).hexdigest()[:32]


def device_floor(context: Context, user_id: str, device_id: str) -> int:
    """The stamp of the device's last making or forgetting: what is stamped up to it does not count."""
    stamp = context.db.value(
        "SELECT stamp FROM registers WHERE family='device' AND owner=? AND key1='' AND key2=?",
        (user_id, device_id),
        default=0,
    )
    return int(stamp)


def devices(context: Context, user_id: str) -> dict[str, str]:
    """The user's devices: display name by device id."""
    found = context.db.all(
        "SELECT d.key2, d.value, n.value FROM registers d LEFT JOIN registers n ON n.family='device_name'"
        " AND n.owner=d.owner AND n.key1='' AND n.key2=d.key2 AND n.stamp>d.stamp"
        " WHERE d.family='device' AND d.owner=? AND d.key1='' AND d.value IS NOT NULL ORDER BY d.key2",
        (user_id,),
    )
    return {
        device_id: read_trusted(name) if name is not None else read_trusted(value)["display_name"]
        for device_id, value, name in found
    }


def device_exists(context: Context, user_id: str, device_id: str) -> bool:
    """Whether the user has such a device."""
    return registers.get(context, "device", user_id, "", device_id) is not None


def device_keys(context: Context, user_id: str) -> dict[str, dict[str, Any]]:
    """The identity keys of the user's devices, as uploaded, by device id."""
    found = context.db.all(
        "SELECT k.key2, k.value FROM registers k JOIN registers d ON d.family='device' AND d.owner=k.owner"
        " AND d.key1='' AND d.key2=k.key2 AND d.value IS NOT NULL AND d.stamp<k.stamp"
        " WHERE k.family='device_keys' AND k.owner=? AND k.key1='' AND k.value IS NOT NULL ORDER BY k.key2",
        (user_id,),
    )
    return {device_id: read_trusted(value) for device_id, value in found}


def cross_signing(context: Context, user_id: str) -> dict[str, dict[str, Any]]:
    """The user's cross-signing keys by "master", "self_signing", "user_signing"; what is not there is not."""
    return registers.get(context, "cross_signing", user_id, "", "") or {}


def public_key(key: dict[str, Any]) -> tuple[str, str]:
    """(key id, public key) of a cross-signing key, which has exactly one."""
    ((key_id, public),) = key["keys"].items()
    return str(key_id), str(public)


def signatures(context: Context, user_id: str, seen_by: str) -> dict[str, dict[str, dict[str, str]]]:
    """Uploaded signatures on a user's keys: {target: {signer: {key id: signature}}}.

    The owner's are for everybody; anybody else's (user-signing) only for who made them.
    """
    found = context.db.all(
        "SELECT key1, key2, value FROM registers WHERE family='signature' AND owner=? AND value IS NOT NULL"
        " ORDER BY key1, key2",
        (user_id,),
    )
    made: dict[str, dict[str, dict[str, str]]] = {}
    for target, name, value in found:
        signer, _, key_id = name.partition(" ")
        if signer in (user_id, seen_by):
            made.setdefault(target, {}).setdefault(signer, {})[key_id] = read_trusted(value)
    return made


def key_changes(context: Context, user_id: str, position: int) -> list[tuple[str, int]]:
    """(owner, position) of keys and signatures that changed beyond `position` and that `user_id` may see."""
    if not context.touched.since(KEYS, position):
        return []
    found = context.db.all(
        f"SELECT owner, position, family, key2 FROM registers WHERE family IN {_KEY_FAMILIES} AND position>?",  # noqa: S608
        (position,),
    )
    return [
        (owner, changed)
        for owner, changed, family, key2 in found
        if family != "signature" or key2.partition(" ")[0] in (owner, user_id)
    ]


def key_stamp(context: Context, now_ms: int, user_id: str, device_id: str, *replaced: int) -> int:
    """The stamp of something of a device: later than the device's making."""
    return next_stamp(now_ms, device_floor(context, user_id, device_id), *replaced)


def last_stamp(context: Context, user_id: str, device_id: str) -> int:
    """The latest stamp of what waits for or belongs to a device, so that forgetting it comes after."""
    device = (user_id, device_id)
    stamps = (
        context.db.value("SELECT max(stamp) FROM one_time_keys WHERE user_id=? AND device_id=?", device),
        context.db.value("SELECT max(stamp) FROM to_device WHERE user_id=? AND device_id=?", device),
        context.db.value("SELECT max(stamp) FROM to_device_covered WHERE user_id=? AND device_id=?", device),
    )
    return max(stamp or 0 for stamp in stamps)


def one_time_key_counts(context: Context, user_id: str, device_id: str) -> dict[str, int]:
    """How many keys nobody has claimed, by algorithm; at every node's disposal together."""
    found = context.db.all(
        "SELECT algorithm, count(*) FROM one_time_keys"
        " WHERE user_id=? AND device_id=? AND value IS NOT NULL GROUP BY algorithm",
        (user_id, device_id),
    )
    # Clients that find no number keep the last one they saw.
    return {"signed_curve25519": 0, **{algorithm: int(count) for algorithm, count in found}}


def one_time_key_digests(context: Context, user_id: str, device_id: str, name: str) -> dict[str, bool]:
    """Every key uploaded under "algorithm:key id", by digest: whether it can still be claimed."""
    algorithm, _, key_id = name.partition(":")
    found = context.db.all(
        "SELECT digest, value IS NOT NULL FROM one_time_keys"
        " WHERE user_id=? AND device_id=? AND algorithm=? AND key_id=?",
        (user_id, device_id, algorithm, key_id),
    )
    return {digest: bool(left) for digest, left in found}


def one_time_keys_left(
    context: Context, user_id: str, device_id: str, algorithm: str, limit: int
) -> list[tuple[str, str, str, int]]:
    """(key id, digest, value, stamp) of keys that this node may hand out, the first uploaded first."""
    return context.db.all(
        "SELECT key_id, digest, value, stamp FROM one_time_keys"
        " WHERE user_id=? AND device_id=? AND algorithm=? AND value IS NOT NULL AND node=?"
        " ORDER BY position, key_id LIMIT ?",
        (user_id, device_id, algorithm, context.log.key.node.hex(), limit),
    )


def any_left(context: Context, user_id: str, device_id: str, algorithm: str) -> bool:
    """Whether any node may have a one-time key of the device to hand out."""
    found = context.db.one(
        "SELECT 1 FROM one_time_keys"
        " WHERE user_id=? AND device_id=? AND algorithm=? AND value IS NOT NULL LIMIT 1",
        (user_id, device_id, algorithm),
    )
    return found is not None


def shares(new: dict[str, Any], nodes: list[str]) -> dict[str, dict[str, Any]]:
    """One-time keys by the node that alone may hand them out, for ever (DESIGN 5.3)."""
    share: dict[str, dict[str, Any]] = {}
    for name, value in new.items():
        # By the key's own hash: the same key uploaded again at another node goes to the same one.
        at = int(key_digest(value), 16) % len(nodes)
        share.setdefault(nodes[at], {})[name] = value
    return share


def unused_fallback_types(context: Context, user_id: str, device_id: str) -> list[str]:
    """The algorithms whose fallback key nobody was given yet."""
    used = dict(registers.under(context, "fallback_used", user_id, device_id))
    return [
        algorithm
        for algorithm, value in registers.under(context, "fallback_key", user_id, device_id)
        if used.get(algorithm) != key_digest(value["key"])
    ]
