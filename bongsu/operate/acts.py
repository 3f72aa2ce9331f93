"""What `bongsu user`, `token` and `hub residents` do, on a node that runs or on one opened for it."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from bongsu import drafts
from bongsu.api.account import deactivate_user, reset_password
from bongsu.api.registration import account_drafts, available_user_id, claim
from bongsu.api.second_factor import forget_secret
from bongsu.errors import invalid_param, not_found
from bongsu.hub import residents
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.service import Service
from bongsu.view import admin, registers, users
from bongsu.view.tokens import FAMILY, registration_tokens, token_key
from bongsu.view.users import User

_DAY_MS = 86_400_000


def _account(service: Service, name: str) -> User:
    found = users.user(service.node.context, _user_id(service, name))
    if found is None:
        raise not_found(f"There is no account {_user_id(service, name)}.")
    return found


def _user_id(service: Service, name: str) -> str:
    return name if name.startswith("@") else f"@{name}:{service.node.config.server_name}"


async def _register(node: Node, key: tuple[str, str, str, str], value: Any) -> None:
    stamp = registers.stamp_after(node.context, node.now_ms(), *key)
    await node.write(drafts.register(*key, value, stamp))


async def user_add(service: Service, name: str, password: str, *, running: bool = False) -> str:
    """Make an account; its user id. `running`: others may make one of this name at the same moment."""
    user_id = available_user_id(service, name)
    password_hash = await service.node.passwords.hash(password)
    if running:
        user_id = await claim(service, user_id)
    try:
        await service.node.write(*account_drafts(service, user_id, password_hash, None))
    finally:
        service.names_claimed.discard(user_id)
    return user_id


async def user_list(service: Service) -> list[tuple[str, str]]:
    """(user id, state) of every account."""
    found = users.users(service.node.context)
    return [(user.user_id, "deactivated" if user.deactivated else "active") for user in found]


async def user_deactivate(service: Service, name: str) -> str:
    """End an account for ever; its user id."""
    user = _account(service, name)
    await deactivate_user(service, user.user_id)
    return user.user_id


async def user_reset_password(service: Service, name: str, password: str) -> str:
    """Set a password and end every session; the user id."""
    user = _account(service, name)
    if user.deactivated:
        raise invalid_param(f"{user.user_id} is deactivated, which is for ever.")
    await reset_password(service, user, password)
    return user.user_id


async def user_admin(service: Service, name: str, on: bool) -> str:
    """Make an account an administrator's, or no longer; its user id."""
    node, user = service.node, _account(service, name)
    await _register(node, (admin.FAMILY, "", "", user.user_id), {"since": node.now_ms()} if on else None)
    return user.user_id


async def user_reset_second_factor(service: Service, name: str) -> str:
    """Take an account's second factor away, so that another can be set up; its user id."""
    user = _account(service, name)
    await forget_secret(service.node, user.user_id)
    return user.user_id


async def token_create(service: Service, uses: int | None, days: int | None) -> str:
    """Make a registration token; it is shown once, the log keeps its SHA-256."""
    node = service.node
    token = secrets.token_urlsafe(9)
    expires_ts = None if days is None else node.now_ms() + days * _DAY_MS
    value = {"uses_allowed": uses, "expires_ts": expires_ts}
    await _register(node, (FAMILY, "", "", token_key(token)), value)
    return token


async def token_list(service: Service) -> list[tuple[str, str]]:
    """(first characters of the token's SHA-256, what is left of it) of every registration token."""
    now = service.node.now_ms()
    listed = []
    for token in registration_tokens(service.node.context):
        left = "any number" if token.uses_allowed is None else str(max(0, token.uses_allowed - token.used))
        over = token.expires_ts is not None and token.expires_ts <= now
        listed.append((token.token_hash[:12], "expired" if over else f"{left} left"))
    return listed


async def residents_add(service: Service, site: str, names: Sequence[str]) -> list[str]:
    """Make users residents of a hub; their ids. Nothing is changed if there is no such hub or user."""
    return await _residents(service, site, names, residents.added)


async def residents_remove(service: Service, site: str, names: Sequence[str]) -> list[str]:
    """End the residency of users; their ids. Nothing is changed if one is no resident there."""
    return await _residents(service, site, names, residents.removed)


async def residents_list(service: Service, site: str) -> list[str]:
    """The residents of a hub."""
    return residents.listed(service.node, site)


async def _residents(
    service: Service, site: str, names: Sequence[str], make: Callable[[Node, str, str], list[Draft]]
) -> list[str]:
    user_ids = [_user_id(service, name) for name in names]
    made = [draft for user_id in user_ids for draft in make(service.node, user_id, site)]
    if made:
        await service.node.write(*made)
    return user_ids


Act = Callable[..., Awaitable[Any]]

ACTS: dict[str, Act] = {
    act.__name__: act
    for act in (
        *(user_add, user_list, user_deactivate, user_reset_password, user_admin, user_reset_second_factor),
        *(token_create, token_list, residents_add, residents_remove, residents_list),
    )
}
RUNNING: dict[str, Act] = {**ACTS, "user_add": partial(user_add, running=True)}
# What may be the first that is done on a data directory.
BEGINNING = ("user_add", "token_create")
