"""The user's devices. Spec: device_management.yaml."""

from typing import Any

from bongsu import drafts, limits, ratelimit
from bongsu.api.http import Request, Response, Route, answer, json_list, optional_string
from bongsu.devices import forget_devices
from bongsu.errors import bad_json, invalid_param, missing_param, not_found
from bongsu.service import Service
from bongsu.view import keys, registers, sessions


async def get_devices(service: Service, request: Request) -> Response:
    """Every device."""
    user_id = request.who.user_id
    names = keys.devices(service.node.context, user_id)
    return answer({"devices": [_device(service, user_id, each, name) for each, name in names.items()]})


async def get_device(service: Service, request: Request) -> Response:
    """One device."""
    user_id, device_id = request.who.user_id, request.path_parameters["deviceId"]
    name = keys.devices(service.node.context, user_id).get(device_id)
    if name is None:
        raise not_found("You have no such device.")
    return answer(_device(service, user_id, device_id, name))


def _device(service: Service, user_id: str, device_id: str, name: str) -> dict[str, Any]:
    device: dict[str, Any] = {"device_id": device_id}
    if name:
        device["display_name"] = name
    seen = service.node.last_seen.get((user_id, device_id))
    logged_in = [row.created_ts for row in sessions.of_device(service.node.context, user_id, device_id)]
    last = max([*logged_in, *([] if seen is None else [seen])], default=None)
    if last is not None:
        device["last_seen_ts"] = last
    return device


async def put_device(service: Service, request: Request) -> Response:
    """Rename a device."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    device_id = request.path_parameters["deviceId"]
    name = optional_string(request.json(), "display_name")
    if not keys.device_exists(node.context, user_id, device_id):
        raise not_found("You have no such device.")
    if name is not None:
        if len(name) > limits.DEVICE_NAME_CHARACTERS_MAX:
            raise invalid_param(f"A device's name may have {limits.DEVICE_NAME_CHARACTERS_MAX} characters.")
        stamp = registers.stamp_after(node.context, node.now_ms(), "device_name", user_id, "", device_id)
        stamp = keys.key_stamp(node.context, stamp, user_id, device_id)
        await node.write(drafts.register("device_name", user_id, "", device_id, name, stamp, public=True))
    return answer({})


async def delete_device(service: Service, request: Request) -> Response:
    """Log a device out and forget it, after the user's password."""
    return await _delete(service, request, [request.path_parameters["deviceId"]], request.optional_json())


async def delete_devices(service: Service, request: Request) -> Response:
    """Log several devices out and forget them, after the user's password."""
    body = request.json()
    if "devices" not in body:
        raise missing_param("The body lacks `devices`.")
    devices = json_list(body, "devices", limits.DEVICES_AT_ONCE_MAX)
    if not all(isinstance(each, str) for each in devices):
        raise bad_json("`devices` must be a list of device ids.")
    return await _delete(service, request, devices, body)


async def _delete(service: Service, request: Request, devices: list[str], body: dict[str, Any]) -> Response:
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    act = f"delete devices {user_id} {sorted(set(devices))}"
    await service.interactive.require(body, [["m.login.password"]], act, user_id)
    known = keys.devices(node.context, user_id)
    await forget_devices(node, user_id, sorted(set(devices) & set(known)))
    return answer({})


_DEVICE = "/_matrix/client/v3/devices/{deviceId}"

ROUTES = [
    Route("GET", "/_matrix/client/v3/devices", get_devices),
    Route("GET", _DEVICE, get_device),
    Route("PUT", _DEVICE, put_device),
    Route("DELETE", _DEVICE, delete_device),
    Route("POST", "/_matrix/client/v3/delete_devices", delete_devices),
]
