"""Types of identifiers, and how they are parsed. Spec: Appendices § Identifier Grammar."""

import re
from typing import NewType

from bongsu import limits
from bongsu.errors import invalid_param

UserId = NewType("UserId", str)
RoomId = NewType("RoomId", str)
EventId = NewType("EventId", str)
DeviceId = NewType("DeviceId", str)

_SERVER = r"(?:[0-9A-Za-z.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
# Historical localparts: any code point except ":" and NUL, and for users even none.
_LOCALPART = "[^:\0\ud800-\udfff]"
_HASH = "[0-9A-Za-z_-]{43}"

_server_name = re.compile(_SERVER)
_user_id = re.compile(f"@({_LOCALPART}*):({_SERVER})")
_room_id = re.compile(f"!(?:{_HASH}|{_LOCALPART}+:{_SERVER})")
_room_alias = re.compile(f"#{_LOCALPART}+:{_SERVER}")
_event_id = re.compile(r"\$[!-~]+")
_mxc = re.compile(f"mxc://{_SERVER}/[0-9A-Za-z_-]+")
_new_localpart = re.compile(r"[a-z0-9._=/+-]+")


def parse_user_id(s: str) -> tuple[str, str]:
    """Return (localpart, server). Historical localparts pass: they exist in other servers' rooms."""
    match = _user_id.fullmatch(s) if _fits(s) else None
    if match is None:
        raise invalid_param("This is not a user id. Write it as @name:server, at most 255 bytes.")
    return match[1], match[2]


def server_of(s: str) -> str:
    """Return the server that allocated a user id, room alias or room id of the form `&localpart:server`."""
    _localpart, colon, server = s.partition(":")
    if not colon:
        raise invalid_param("This identifier names no server. Write it as localpart:server.")
    return server


def is_user_id(s: object) -> bool:
    """Whether `s` is a user id that may stand in an event, historical ones included."""
    return isinstance(s, str) and _fits(s) and _user_id.fullmatch(s) is not None


def is_room_id(s: object) -> bool:
    """Whether `s` is a room id: the hash of a create event (room version 12), or `!opaque:server`."""
    return isinstance(s, str) and _fits(s) and _room_id.fullmatch(s) is not None


def is_event_id(s: object) -> bool:
    """Whether `s` can be an event id. Opaque: what we do not hold is simply not found."""
    return isinstance(s, str) and _fits(s) and _event_id.fullmatch(s) is not None


def is_room_alias(s: object) -> bool:
    """Whether `s` is a room alias."""
    return isinstance(s, str) and _fits(s) and _room_alias.fullmatch(s) is not None


def is_mxc(s: object) -> bool:
    """Whether `s` is a content URI. Its media id never holds a dot or a slash, so it is safe in a path."""
    return isinstance(s, str) and _fits(s) and _mxc.fullmatch(s) is not None


def is_server_name(s: object) -> bool:
    """Whether `s` is a Matrix server name."""
    return isinstance(s, str) and _server_name.fullmatch(s) is not None


def is_new_localpart(s: object) -> bool:
    """Whether an account may be registered under this localpart: today's grammar, lower case only."""
    return isinstance(s, str) and _fits(s) and _new_localpart.fullmatch(s) is not None


def _fits(s: str) -> bool:
    # A character takes at most four bytes, so most identifiers need no encoding to be measured.
    if len(s) * 4 <= limits.ID_BYTES_MAX:
        return True
    return len(s) <= limits.ID_BYTES_MAX and len(s.encode(errors="surrogatepass")) <= limits.ID_BYTES_MAX
