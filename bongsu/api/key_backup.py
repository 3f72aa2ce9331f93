"""Server-side key backups. Spec: key_backup.yaml."""

from typing import Any

from bongsu import drafts, limits, ratelimit
from bongsu.api.http import Request, Response, Route, answer, boolean, json_object, string
from bongsu.canonical import json_bytes
from bongsu.clock import next_stamp
from bongsu.errors import MatrixError, bad_json, invalid_param, missing_param, not_found, too_large
from bongsu.ids import is_room_id
from bongsu.service import Service
from bongsu.view import key_backup, registers
from bongsu.view.key_backup import FAMILY, FAMILY_DELETED, BackupVersion

_ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2"


def _version(service: Service, request: Request, name: str | None) -> BackupVersion:
    if name is None:
        raise missing_param("The parameter `version` is missing.")
    found = key_backup.version(service.node.context, request.who.user_id, name)
    if found is None:
        raise not_found("There is no such key backup.")
    return found


def _described(found: BackupVersion) -> Response:
    return answer({**found.value, "version": found.version, "count": found.count, "etag": found.etag})


async def post_version(service: Service, request: Request) -> Response:
    """Make a new backup; it is the current one from now on."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    value = _value(request.json())
    known = key_backup.versions(node.context, user_id)
    if len(known) >= limits.BACKUP_VERSIONS_MAX:
        raise invalid_param("You have too many key backups. Delete old ones first.")
    # Its number is its stamp, so that two nodes never give one number to two backups.
    given = service.backup_numbers.get(user_id) or 0
    stamp = next_stamp(node.now_ms(), given, key_backup.last_version(node.context, user_id))
    service.backup_numbers.put(user_id, stamp)
    await node.write(drafts.register(FAMILY, user_id, "", str(stamp), value, stamp))
    return answer({"version": str(stamp)})


def _value(body: dict[str, Any]) -> dict[str, Any]:
    algorithm, auth_data = string(body, "algorithm"), json_object(body, "auth_data", required=True)
    if algorithm != _ALGORITHM:
        raise invalid_param(f"The only algorithm of key backups known here is {_ALGORITHM}.")
    if len(json_bytes(auth_data)) > limits.BACKUP_KEY_BYTES_MAX:
        raise too_large(f"`auth_data` may have {limits.BACKUP_KEY_BYTES_MAX} bytes.")
    return {"algorithm": algorithm, "auth_data": auth_data}


async def get_current_version(service: Service, request: Request) -> Response:
    """The latest backup."""
    known = key_backup.versions(service.node.context, request.who.user_id)
    if not known:
        raise not_found("There is no key backup.")
    return _described(_version(service, request, known[-1]))


async def get_version(service: Service, request: Request) -> Response:
    """One backup."""
    return _described(_version(service, request, request.path_parameters["version"]))


async def put_version(service: Service, request: Request) -> Response:
    """Change a backup's auth_data."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    name = request.path_parameters["version"]
    body = request.json()
    value = _value(body)
    if body.get("version", name) != name:
        raise invalid_param("The body names another version than the address.")
    found = _version(service, request, name)
    if found.value["algorithm"] != value["algorithm"]:
        raise invalid_param("A backup's algorithm cannot be changed. Make a new backup.")
    stamp = registers.stamp_after(node.context, node.now_ms(), FAMILY, user_id, "", name)
    await node.write(drafts.register(FAMILY, user_id, "", name, value, stamp))
    return answer({})


async def delete_version(service: Service, request: Request) -> Response:
    """Delete a backup with all its keys."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    name = request.path_parameters["version"]
    if key_backup.was_deleted(node.context, user_id, name):
        return answer({})
    _version(service, request, name)
    stamp = registers.stamp_after(node.context, node.now_ms(), FAMILY, user_id, "", name)
    await node.write(drafts.register(FAMILY, user_id, "", name, None, stamp))
    return answer({})


def _place(request: Request) -> tuple[str | None, str | None]:
    """The room and session an address names, if any."""
    return request.path_parameters.get("roomId"), request.path_parameters.get("sessionId")


async def put_keys(service: Service, request: Request) -> Response:
    """Store keys: all, a room's, or one; each only if it is better than what is stored."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    sessions = _sessions(request)
    name = request.query("version")
    backup = _version(service, request, name)
    current = key_backup.versions(node.context, user_id)[-1]
    if backup.version != current:
        sentence = "This is not the current key backup. Use that, or make a new one."
        raise MatrixError(403, "M_WRONG_ROOM_KEYS_VERSION", sentence, current_version=current)
    better = []
    floor = 0
    for room_id, session_id, data in sessions:
        stored = key_backup.stored_rank(node.context, user_id, current, room_id, session_id)
        if stored is None or key_backup.rank(data) < stored[0]:
            better.append([room_id, session_id, data])
            place = (user_id, current, room_id, session_id)
            floor = max(floor, key_backup.deletion_floor(node.context, *place))
    if better:
        stamp = next_stamp(node.now_ms(), floor)
        step = limits.BACKUP_KEYS_PER_RECORD
        parts = [better[at : at + step] for at in range(0, len(better), step)]
        await node.write(*(drafts.backup_keys(user_id, current, part, stamp) for part in parts))
    return _updated(service, request, current)


def _updated(service: Service, request: Request, name: str) -> Response:
    found = _version(service, request, name)
    return answer({"count": found.count, "etag": found.etag})


def _sessions(request: Request) -> list[tuple[str, str, dict[str, Any]]]:
    """(room, session, data) of every key of the body, checked."""
    room_id, session_id = _place(request)
    body = request.json(floats=True)
    if session_id is not None:
        rooms: dict[str, Any] = {str(room_id): {"sessions": {session_id: body}}}
    elif room_id is not None:
        rooms = {room_id: body}
    else:
        rooms = json_object(body, "rooms", required=True)
    found = []
    for room, value in rooms.items():
        if not is_room_id(room):
            raise invalid_param(f"{room[:255]} is not a room id.")
        if not isinstance(value, dict):
            raise bad_json("Keys of a room must be an object with `sessions`.")
        for session, data in json_object(value, "sessions", required=True).items():
            found.append((room, session, _data(session, data)))
    if len(found) > limits.BACKUP_KEYS_AT_ONCE_MAX:
        raise invalid_param(f"Store at most {limits.BACKUP_KEYS_AT_ONCE_MAX} keys at once.")
    return found


def _data(session_id: str, data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise bad_json("A key must be an object.")
    if not session_id or len(session_id.encode()) > limits.ID_BYTES_MAX or "\0" in session_id:
        raise invalid_param("A session id has 1 to 255 bytes.")
    for name in ("first_message_index", "forwarded_count", "is_verified"):
        if name not in data:
            raise missing_param(f"A key lacks `{name}`.")
    for name in ("first_message_index", "forwarded_count"):
        if type(data[name]) is not int or not 0 <= data[name] <= limits.JSON_INTEGER_MAX:
            raise bad_json(f"`{name}` must be a whole number, 0 or more.")
    boolean(data, "is_verified")
    json_object(data, "session_data", required=True)
    if len(json_bytes(data)) > limits.BACKUP_KEY_BYTES_MAX:
        raise too_large(f"A key may have {limits.BACKUP_KEY_BYTES_MAX} bytes.")
    return data


async def get_keys(service: Service, request: Request) -> Response:
    """Stored keys: all, a room's, or one."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.READ, user_id)
    name = _version(service, request, request.query("version")).version
    room_id, session_id = _place(request)
    found = key_backup.backup_keys(node.context, user_id, name, room_id, session_id)
    if room_id is None:
        return answer({"rooms": {room: {"sessions": sessions} for room, sessions in found.items()}})
    sessions = found.get(room_id, {})
    if session_id is None:
        return answer({"sessions": sessions})
    if session_id not in sessions:
        raise not_found("This key is not in the backup.")
    return answer(sessions[session_id])


async def delete_keys(service: Service, request: Request) -> Response:
    """Delete stored keys: all, a room's, or one."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    name = _version(service, request, request.query("version")).version
    room_id, session_id = _place(request)
    if key_backup.has_keys(node.context, user_id, name, room_id, session_id):
        deleted = key_backup.deleted_key(room_id, session_id)
        now = next_stamp(node.now_ms(), key_backup.last_backup_stamp(node.context, user_id, name))
        stamp = registers.stamp_after(node.context, now, FAMILY_DELETED, user_id, name, deleted)
        await node.write(drafts.register(FAMILY_DELETED, user_id, name, deleted, {}, stamp))
    return _updated(service, request, name)


_VERSION = "/_matrix/client/v3/room_keys/version"
_KEYS = "/_matrix/client/v3/room_keys/keys"
_PLACES = (_KEYS, f"{_KEYS}/{{roomId}}", f"{_KEYS}/{{roomId}}/{{sessionId}}")

ROUTES = [
    Route("POST", _VERSION, post_version),
    Route("GET", _VERSION, get_current_version),
    Route("GET", f"{_VERSION}/{{version}}", get_version),
    Route("PUT", f"{_VERSION}/{{version}}", put_version),
    Route("DELETE", f"{_VERSION}/{{version}}", delete_version),
    *(Route("PUT", place, put_keys) for place in _PLACES),
    *(Route("GET", place, get_keys) for place in _PLACES),
    *(Route("DELETE", place, delete_keys) for place in _PLACES),
]
