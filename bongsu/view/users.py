"""Queries: accounts and profiles."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bongsu.view import registers
from bongsu.view.context import Context


@dataclass(frozen=True, slots=True)
class User:
    """An account. `password`: its argon2id hash, None if no password is accepted."""

    user_id: str
    created_ts: int
    deactivated: bool
    password: str | None
    password_stamp: int


def user(context: Context, user_id: str) -> User | None:
    """The account, or None."""
    found = context.db.one(
        "SELECT user_id, created_ts, deactivated, password, password_stamp FROM users WHERE user_id=?",
        (user_id,),
    )
    return None if found is None else User(found[0], found[1], bool(found[2]), found[3], found[4])


def users(context: Context) -> list[User]:
    """Every account."""
    found = context.db.all(
        "SELECT user_id, created_ts, deactivated, password, password_stamp FROM users ORDER BY user_id"
    )
    return [User(row[0], row[1], bool(row[2]), row[3], row[4]) for row in found]


def names(context: Context) -> Iterator[tuple[str, bytes]]:
    """Every user id, and the node that claimed it."""
    yield from context.db.all("SELECT user_id, author FROM users")


def profile(context: Context, user_id: str) -> dict[str, Any]:
    """The profile's fields."""
    return dict(registers.under(context, "profile", user_id, ""))
