"""What uploaded public keys must be before they are kept: shape, owner, size, signature."""

from typing import Any

from bongsu import limits
from bongsu.canonical import canonical_bytes
from bongsu.errors import MatrixError, bad_json, forbidden, invalid_param, too_large
from bongsu.signing import is_public_key, is_signed
from bongsu.view import keys
from bongsu.view.context import Context
from bongsu.view.sessions import Requester


def invalid_signature(error: str) -> MatrixError:
    """A signature is missing or was not made by the key it names."""
    return MatrixError(400, "M_INVALID_SIGNATURE", error)


def _strings(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def check_signatures_shape(value: dict[str, Any], name: str) -> None:
    """`signatures`, where it is there, maps users to key ids to strings."""
    signatures = value.get("signatures", {})
    if not isinstance(signatures, dict) or not all(_strings(by_key) for by_key in signatures.values()):
        raise bad_json(f"`signatures` of {name} must map user ids to key ids to signatures.")


def check_device_keys(value: Any, user_id: str, device_id: str) -> None:
    """Identity keys of the requester's own device, signed by themselves.

    Raises:
        MatrixError: 400 that says what is wrong.
    """
    if not isinstance(value, dict):
        raise bad_json("`device_keys` must be an object.")
    if value.get("user_id") != user_id or value.get("device_id") != device_id:
        raise invalid_param("These keys belong to another user or device. Upload only your own device's.")
    algorithms, public = value.get("algorithms"), value.get("keys")
    if not isinstance(algorithms, list) or not all(isinstance(each, str) for each in algorithms):
        raise bad_json("`algorithms` of device_keys must be a list of strings.")
    if not isinstance(public, dict) or not _strings(public):
        raise bad_json("`keys` of device_keys must map key ids to strings.")
    check_signatures_shape(value, "device_keys")
    if len(canonical_bytes(value)) > limits.DEVICE_KEYS_BYTES_MAX:
        raise too_large(f"Device keys may have {limits.DEVICE_KEYS_BYTES_MAX} bytes.")
    for key_id, key in public.items():
        algorithm, _, owner = key_id.partition(":")
        if algorithm in ("ed25519", "curve25519") and (owner != device_id or not is_public_key(key)):
            raise invalid_param(f"{key_id[:100]} is not a key of this device in unpadded base64.")
    name = f"ed25519:{device_id}"
    if not is_signed(value, user_id, name, public.get(name, "")):
        raise invalid_signature("The device's keys are not signed by its own Ed25519 key.")


def check_one_time_keys(
    context: Context, who: Requester, uploaded: dict[str, Any], device_keys: dict[str, Any] | None
) -> dict[str, Any]:
    """The keys among `uploaded` that are new; the same key again is nothing new.

    Raises:
        MatrixError: 400, also for a key id that is in use with another key.
    """
    if len(uploaded) > limits.KEYS_AT_ONCE_MAX:
        raise invalid_param(f"Upload at most {limits.KEYS_AT_ONCE_MAX} one-time keys at once.")
    new = {}
    for name, value in uploaded.items():
        _check_key(who, name, value, device_keys)
        known = keys.one_time_key_digests(context, who.user_id, who.device_id, name)
        digest = keys.key_digest(value)
        if digest in known:
            continue
        if any(known.values()):
            raise invalid_param(
                f"One-time key {name[:100]} was uploaded before with another value. Make a key with a new id."
            )
        new[name] = value
    counts = keys.one_time_key_counts(context, who.user_id, who.device_id)
    if len(new) + sum(counts.values()) > limits.ONE_TIME_KEYS_MAX:
        raise invalid_param(f"A device may have {limits.ONE_TIME_KEYS_MAX} one-time keys. Upload fewer.")
    return new


def check_fallback_keys(who: Requester, uploaded: dict[str, Any], device_keys: dict[str, Any] | None) -> None:
    """At most one fallback key per algorithm.

    Raises:
        MatrixError: 400.
    """
    algorithms = [name.partition(":")[0] for name in uploaded]
    if len(set(algorithms)) != len(algorithms) or len(algorithms) > 10:
        raise invalid_param("Upload one fallback key per algorithm.")
    for name, value in uploaded.items():
        _check_key(who, name, value, device_keys)


def _check_key(who: Requester, name: str, value: Any, device_keys: dict[str, Any] | None) -> None:
    algorithm, separator, key_id = name.partition(":")
    if not algorithm or not separator or not key_id or len(name.encode()) > limits.ID_BYTES_MAX:
        raise invalid_param("A one-time key's name is <algorithm>:<key id>.")
    if len(canonical_bytes(value)) > limits.KEY_BYTES_MAX:
        raise too_large(f"A key may have {limits.KEY_BYTES_MAX} bytes.")
    if algorithm != "signed_curve25519":
        if not isinstance(value, str | dict):
            raise bad_json(f"The key {name[:100]} must be a string or an object.")
        return
    if not isinstance(value, dict) or not is_public_key(value.get("key")):
        raise bad_json(f"The key {name[:100]} must be an object with a Curve25519 `key`.")
    check_signatures_shape(value, name[:100])
    if device_keys is None:
        raise invalid_param("This device has no identity keys. Upload `device_keys` first or with these.")
    signer = f"ed25519:{who.device_id}"
    if not is_signed(value, who.user_id, signer, device_keys["keys"].get(signer, "")):
        raise invalid_signature(f"The key {name[:100]} is not signed by the device's Ed25519 key.")


def check_cross_signing_key(value: Any, usage: str, user_id: str) -> None:
    """One of the requester's cross-signing keys.

    Raises:
        MatrixError: 400; 403 for another user's key.
    """
    if not isinstance(value, dict):
        raise bad_json(f"`{usage}_key` must be an object.")
    if value.get("user_id") != user_id:
        raise forbidden(f"`{usage}_key` belongs to another user. Upload only your own.")
    named = value.get("usage")
    if not isinstance(named, list) or usage not in named:
        raise invalid_param(f"`usage` of {usage}_key must be a list with {usage}.")
    public = value.get("keys")
    if not isinstance(public, dict) or len(public) != 1:
        raise invalid_param(f"`keys` of {usage}_key must hold exactly one key.")
    key_id, key = next(iter(public.items()))
    if key_id != f"ed25519:{key}" or not is_public_key(key):
        raise invalid_param(f"The key of {usage}_key must be named ed25519:<the key in unpadded base64>.")
    check_signatures_shape(value, f"{usage}_key")
    if len(canonical_bytes(value)) > limits.KEY_BYTES_MAX:
        raise too_large(f"A key may have {limits.KEY_BYTES_MAX} bytes.")
