"""Tower keys: who may warn whom (docs/protocol/tower.md). The root key signs them and ends them. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from bongsu import limits
from bongsu.canonical import decode_base64, unpadded_base64
from bongsu.errors import MatrixError, invalid_param
from bongsu.tower import fields, signed
from bongsu.tower.signed import Sign

COMMANDER, DEPUTY, AGENCY = "commander", "deputy", "agency"
ROLES = (COMMANDER, DEPUTY, AGENCY)
KEY_BYTES = 32
_FIELDS = ("public_key", "name", "role", "areas", "two_person", "users", "issued", "expires")


@dataclass(frozen=True, slots=True)
class TowerKey:
    """What the root key says of an officer's key. `areas` (): everywhere. Times in milliseconds."""

    public_key: bytes
    name: str
    role: str
    areas: tuple[str, ...] = ()
    two_person: bool = False  # what it signs counts only once a second key has signed, too
    users: tuple[str, ...] = ()
    issued_ms: int = 0
    expires_ms: int = 0
    text: str = ""

    @property
    def id(self) -> str:
        """The key's name."""
        return signed.key_id(self.public_key)

    def covers(self, areas: Iterable[str]) -> bool:
        """Whether it may speak to these areas; everywhere only if it may speak everywhere."""
        asked = set(areas)
        return not self.areas or (bool(asked) and asked <= set(self.areas))


@dataclass(frozen=True, slots=True)
class KeyEnd:
    """The end of a key: what it signed as sent later than `until_ms` does not count. 0: nothing does."""

    key: str
    number: int
    until_ms: int
    text: str

    def replaces(self, other: "KeyEnd | None") -> bool:
        """Whether this one is the later of the two: the same answer whichever arrived first."""
        return other is None or (self.number, self.text) > (other.number, other.text)


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys of a service, and their ends. A key may have several statements: each only adds."""

    keys: Mapping[str, tuple[TowerKey, ...]] = field(default_factory=lambda: MappingProxyType({}))
    ends: Mapping[str, KeyEnd] = field(default_factory=lambda: MappingProxyType({}))

    def public_key(self, key: str) -> bytes | None:
        """The public key of this id."""
        known = self.keys.get(key)
        return None if not known else known[0].public_key

    def counting(self, key: str, sent_ms: int) -> list[TowerKey]:
        """The statements by which the key counts for what it signed as sent at this time.

        The signed time, and no clock: a verdict is the same on every node, for ever.
        """
        end = self.ends.get(key)
        if end is not None and sent_ms > end.until_ms:
            return []
        return [each for each in self.keys.get(key, ()) if sent_ms <= each.expires_ms]

    def roles(self, user_id: str, now_ms: int) -> list[TowerKey]:
        """The keys in force that name this user: what they may look at. Here alone a clock counts."""
        return [
            each
            for known in self.keys.values()
            for each in known
            if user_id in each.users and now_ms <= each.expires_ms and each.id not in self.ends
        ]

    def name(self, key: str) -> str:
        """What people call the holder of the key."""
        known = self.keys.get(key, ())
        return max(known, key=lambda each: (each.issued_ms, each.text)).name if known else "?"


def request(public_key: bytes, name: str, sign: Sign) -> str:
    """An officer's request, signed by the key itself: nobody gets another's key certified as theirs."""
    return signed.line(signed.REQUEST, {"public_key": unpadded_base64(public_key), "name": name}, sign)


def read_request(text: str) -> tuple[bytes, str]:
    """(public key, name) of a request.

    Raises:
        MatrixError: it is damaged, or not signed by the key it names.
    """
    content = signed.read_line(signed.REQUEST, text, _public_key)
    return _public_key(content), fields.text(content, "name", limits.TOWER_NAME_CHARACTERS_MAX)


def certify(key: TowerKey, sign: Sign) -> str:
    """A tower key's statement, signed by the root key.

    Raises:
        MatrixError: it says what no statement may.
    """
    content = {
        "public_key": unpadded_base64(key.public_key),
        "name": key.name,
        "role": key.role,
        "areas": sorted(set(key.areas)),
        "two_person": key.two_person,
        "users": sorted(set(key.users)),
        "issued": key.issued_ms,
        "expires": key.expires_ms,
    }
    _read(content, "")
    return signed.line(signed.KEY, content, sign)


def read_key(root_key: bytes, text: str) -> TowerKey:
    """A tower key that counts in the service of this root key. Expiry is not looked at.

    Raises:
        MatrixError: it is damaged, or the root key did not sign it.
    """
    return _read(signed.read_line(signed.KEY, text, lambda _: root_key), text)


def _read(content: dict[str, Any], text: str) -> TowerKey:
    fields.only(content, _FIELDS)
    users = content.get("users")
    many = not isinstance(users, list) or len(users) > limits.TOWER_KEY_USERS_MAX
    if many or not all(isinstance(each, str) and each.startswith("@") for each in users or []):
        raise invalid_param(f"`users` must be a list of at most {limits.TOWER_KEY_USERS_MAX} user ids.")
    issued, expires = fields.time_ms(content, "issued"), fields.time_ms(content, "expires")
    if expires <= issued or not isinstance(content.get("two_person"), bool):
        raise invalid_param("A tower key must expire after it was issued, and say whether it needs a second.")
    return TowerKey(
        _public_key(content),
        fields.text(content, "name", limits.TOWER_NAME_CHARACTERS_MAX),
        fields.word(content, "role", ROLES),
        tuple(fields.areas(content)),
        content["two_person"],
        tuple(users or ()),
        issued,
        expires,
        text,
    )


def end(key: str, number: int, until_ms: int, sign: Sign) -> str:
    """The end of a key, signed by the root key. `number`: higher than that of any earlier one."""
    return signed.line(signed.KEY_END, {"key": key, "number": number, "until": until_ms}, sign)


def read_end(root_key: bytes, text: str) -> KeyEnd:
    """The end of a key in the service of this root key.

    Raises:
        MatrixError: it is damaged, or the root key did not sign it.
    """
    content = signed.read_line(signed.KEY_END, text, lambda _: root_key)
    number, until = content.get("number"), content.get("until")
    if content.keys() != {"key", "number", "until"} or type(number) is not int or type(until) is not int:
        raise invalid_param("This end of a tower key is of a later version.")
    return KeyEnd(fields.identifier(content, "key"), number, until, text)


def _public_key(content: dict[str, Any]) -> bytes:
    value = content.get("public_key")
    try:
        key = decode_base64(value) if isinstance(value, str) else b""
    except MatrixError:
        key = b""
    if len(key) != KEY_BYTES:
        raise invalid_param("`public_key` must be 32 bytes in unpadded base64.")
    return key
