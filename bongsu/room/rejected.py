"""The exception of a broken authorization rule, and how room versions number their rules."""

from typing import NoReturn

from bongsu.errors import MatrixError
from bongsu.room.versions import RoomVersion


class Rejected(MatrixError):
    """An event that the authorization rules do not allow. `rule` is the number in the room version's text."""

    def __init__(self, rule: str, error: str) -> None:
        super().__init__(403, "M_FORBIDDEN", error)
        self.rule = rule


def reject(version: RoomVersion, rule: str, error: str) -> NoReturn:
    """Raise `Rejected` for a rule given by its number in room version 10.

    Room version 12 inserts rule 2 (the create event named by the room id), so later ones move by one.
    """
    if version.implicit_create_auth:
        first, _dot, rest = rule.partition(".")
        if int(first) >= 2:
            rule = f"{int(first) + 1}.{rest}" if rest else str(int(first) + 1)
    raise Rejected(rule, error)
