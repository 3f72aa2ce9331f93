"""An incident as a file that proves itself: acts, signatures, and the statements about the keys. Pure."""

from collections.abc import Mapping
from typing import Any

from bongsu.canonical import decode_base64, unpadded_base64
from bongsu.errors import MatrixError
from bongsu.tower import incident, signed
from bongsu.tower.incident import Act, Conflict, Incident
from bongsu.tower.keys import KeyEnd, Keyring, TowerKey, read_end, read_key

FORMAT = "bongsu incident 1"


def export(
    found: Incident, signatures: Mapping[str, Mapping[str, str]], keyring: Keyring, root_key: bytes
) -> dict[str, Any]:
    """Everything that is needed to check it without the service. `signatures`: of each act, by key."""
    keys = sorted({act.content["sender"] for act in found.acts})
    return {
        "format": FORMAT,
        "root_key": unpadded_base64(root_key),
        "keys": [each.text for key in keys for each in keyring.keys.get(key, ())],
        "key_ends": [keyring.ends[key].text for key in keys if key in keyring.ends],
        "state": state_fields(found, keyring),
        "acts": [
            {"id": act.id, "content": act.content, "signatures": dict(signatures.get(act.id, {}))}
            for act in found.acts
        ],
    }


def state_fields(found: Incident, keyring: Keyring) -> dict[str, Any]:
    """What the incident has come to, as clients are given it."""
    return {
        "id": found.id,
        "opened": found.opened,
        "stage": found.stage,
        "commander": found.commander,
        "commander_name": keyring.name(found.commander or ""),
        "closed": found.closed,
        "heads": found.heads,
        "acts": len(found.acts),
        "missing": found.missing,
        "conflicts": [_conflict(each) for each in found.conflicts],
    }


def _conflict(found: Conflict) -> dict[str, Any]:
    return {"about": found.about, "acts": list(found.acts)}


def problems(exported: dict[str, Any], root_key: bytes | None = None) -> list[str]:
    """What is wrong with an export, a sentence each. `root_key`: of the service it should be of."""
    try:
        return _problems(exported, root_key)
    except (MatrixError, KeyError, TypeError, AttributeError, ValueError) as error:
        return [f"This is no incident of this release, or it is damaged: {error}"]


def _problems(exported: dict[str, Any], root_key: bytes | None) -> list[str]:
    own = decode_base64(exported["root_key"])
    if exported["format"] != FORMAT:
        return [f"The format is {exported['format']}, not {FORMAT}."]
    if root_key is not None and own != root_key:
        return ["It is of another service: its root key is another."]
    keyring = _keyring(own, exported)
    found, acts = [], []
    for each in exported["acts"]:
        content = incident.check(each["content"])
        name = incident.act_id(content)
        public = keyring.public_key(content["sender"])
        given = each["signatures"].get(content["sender"], "")
        right = public is not None and signed.is_statement_signed(signed.ACT, content, public, given)
        if name != each["id"]:
            found.append(f"Act {each['id']} was changed: its words give the id {name}.")
        elif not right:
            found.append(f"Act {name} is not signed by its sender.")
        acts.append(Act(name, content, right))
    known = incident.incidents(acts, keyring)
    counting = {act.id for each in known for act in each.acts}
    found += [f"Act {act.id} was signed by somebody who might not." for act in acts if act.id not in counting]
    held = {act.id for act in acts}
    missing = sorted({each for act in acts for each in act.content.get("after", [])} - held)
    found += [f"Act {name} is missing: a later act names it." for name in missing]
    if not found and [state_fields(each, keyring) for each in known] != [exported["state"]]:
        found.append("What is said of the state is not what the acts come to.")
    names = {act.content["sender"]: keyring.name(act.content["sender"]) for act in acts}
    if exported.get("names", names) != names:
        found.append("The names of those who acted are not those that the root key gave.")
    return found


def _keyring(root_key: bytes, exported: dict[str, Any]) -> Keyring:
    keys: dict[str, tuple[TowerKey, ...]] = {}
    for text in exported["keys"]:
        key = read_key(root_key, text)
        keys[key.id] = (*keys.get(key.id, ()), key)
    ends: dict[str, KeyEnd] = {}
    for text in exported["key_ends"]:
        end = read_end(root_key, text)
        ends[end.key] = end
    return Keyring(keys, ends)
