"""The account itself. Spec: whoami.yaml, logout.yaml, password_management.yaml, account_deactivation.yaml."""

from bongsu import drafts
from bongsu.api.http import Request, Response, Route, answer, boolean, string
from bongsu.clock import next_stamp
from bongsu.devices import forget_devices
from bongsu.service import Service
from bongsu.sessions import end
from bongsu.view import members, sessions, users


async def whoami(service: Service, request: Request) -> Response:
    """Who the token belongs to."""
    return answer({"user_id": request.who.user_id, "device_id": request.who.device_id, "is_guest": False})


async def logout(service: Service, request: Request) -> Response:
    """End this session and forget its device."""
    await forget_devices(service.node, request.who.user_id, [request.who.device_id])
    return answer({})


async def logout_all(service: Service, request: Request) -> Response:
    """End every session of the user."""
    user_id = request.who.user_id
    rows = sessions.of_user(service.node.context, user_id)
    await forget_devices(service.node, user_id, sorted({row.device_id for row in rows}))
    return answer({})


async def change_password(service: Service, request: Request) -> Response:
    """Set a new password; by default every other session ends."""
    node = service.node
    user_id = request.who.user_id
    body = request.json()
    await service.interactive.require(body, [["m.login.password"]], f"password {user_id}", user_id)
    logs_out = boolean(body, "logout_devices", default=True)
    password_hash = await node.passwords.hash(string(body, "new_password"))
    user = users.user(node.context, user_id)
    assert user is not None
    stamp = next_stamp(node.now_ms(), user.password_stamp)
    keeps = request.who.session
    others = [row for row in sessions.of_user(node.context, user_id) if row.session != keeps]
    await node.write(drafts.password(user_id, password_hash, stamp, logs_out=logs_out, keeps=keeps))
    if logs_out:
        await forget_devices(node, user_id, sorted({row.device_id for row in others}))
    return answer({})


async def deactivate(service: Service, request: Request) -> Response:
    """End the account for good: it leaves its rooms, and nobody can log in as it again."""
    user_id = request.who.user_id
    body = request.optional_json()
    await service.interactive.require(body, [["m.login.password"]], f"deactivate {user_id}", user_id)
    await deactivate_user(service, user_id)
    return answer({"id_server_unbind_result": "no-support"})


async def deactivate_user(service: Service, user_id: str) -> None:
    """Leave every room, end every session, accept no password any more."""
    node = service.node
    for member in members.rooms_of(node.context, user_id):
        if member.membership in ("join", "invite", "knock"):
            room_id = node.context.events.room_id(member.room)
            await service.author.leave(room_id, user_id)
    user = users.user(node.context, user_id)
    assert user is not None
    rows = sessions.of_user(node.context, user_id)
    stamp = next_stamp(node.now_ms(), user.password_stamp)
    await forget_devices(node, user_id, sorted({row.device_id for row in rows}))
    await node.write(
        drafts.password(user_id, None, stamp, deactivated=True, logs_out=True),
        *([end(user, [row.session for row in rows], node.now_ms())] if rows else []),
    )


async def reset_password(service: Service, user: users.User, password: str) -> None:
    """Set a password for somebody, and end every session of theirs."""
    node = service.node
    hashed = await node.passwords.hash(password)
    devices = {row.device_id for row in sessions.of_user(node.context, user.user_id)}
    stamp = next_stamp(node.now_ms(), user.password_stamp)
    await node.write(drafts.password(user.user_id, hashed, stamp, logs_out=True))
    await forget_devices(node, user.user_id, sorted(devices))


async def get_third_party_ids(service: Service, request: Request) -> Response:
    """E-mail addresses and telephone numbers: this service asks for none."""
    return answer({"threepids": []})


ROUTES = [
    Route("GET", "/_matrix/client/v3/account/whoami", whoami),
    Route("POST", "/_matrix/client/v3/logout", logout),
    Route("POST", "/_matrix/client/v3/logout/all", logout_all),
    Route("POST", "/_matrix/client/v3/account/password", change_password),
    Route("POST", "/_matrix/client/v3/account/deactivate", deactivate),
    Route("GET", "/_matrix/client/v3/account/3pid", get_third_party_ids),
]
