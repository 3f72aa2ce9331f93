"""Requests and answers of the HTTP edge, thin: nothing is parsed before a handler asks for it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from bongsu import limits
from bongsu.canonical import json_bytes, read_json
from bongsu.errors import bad_json, invalid_param, missing_param
from bongsu.service import Service
from bongsu.view.sessions import Requester

JSON_HEADERS = (("content-type", "application/json"),)
# Another site may know more than this one yet: clients see it without reading the answer, and go there.
NOT_HEARD_YET = ("x-bongsu-not-heard-yet", "true")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. `file`: a path to send instead of `body`; `file_range`: only these of its bytes."""

    status: int = 200
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = JSON_HEADERS
    file: str | None = None
    file_range: tuple[int, int] | None = None


def answer(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(status, json_bytes(value))


def _read_query(query_string: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(
            query_string, keep_blank_values=True, errors="strict", max_num_fields=limits.QUERY_PARAMETERS_MAX
        )
    except ValueError:
        raise invalid_param("The query string cannot be read: not UTF-8, or too many parameters.") from None
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


@dataclass(slots=True)
class Request:
    """One request. `path_parameters` are percent-decoded.

    `body` is complete and bounded; where the route streams it is empty, and `chunks` brings what comes.
    """

    method: str
    path: str
    path_parameters: dict[str, str]
    query_string: str
    headers: "Headers"
    address: str
    body: bytes
    requester: Requester | None = None
    chunks: AsyncIterator[bytes] | None = None
    _query: dict[str, list[str]] | None = None

    @property
    def who(self) -> Requester:
        """The authenticated requester of a route that requires one."""
        assert self.requester is not None, "the route does not require a token"
        return self.requester

    def json(self, *, floats: bool = False) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            MatrixError: 400 M_NOT_JSON or M_BAD_JSON.
        """
        value = read_json(self.body, floats=floats)
        if not isinstance(value, dict):
            raise bad_json("The body must be a JSON object.")
        return value

    def optional_json(self) -> dict[str, Any]:
        """The body as a JSON object, {} where the spec lets clients leave it out."""
        return self.json() if self.body.strip() else {}

    def queries(self, name: str) -> list[str]:
        """Every value of a query parameter."""
        if self._query is None:
            self._query = _read_query(self.query_string)
        return self._query.get(name, [])

    def query(self, name: str) -> str | None:
        """A query parameter, or None."""
        values = self.queries(name)
        return values[0] if values else None

    def query_integer(self, name: str, default: int, highest: int) -> int:
        """A whole number of the query, clamped to 0…highest.

        Raises:
            MatrixError: 400 M_INVALID_PARAM if it is not a whole number.
        """
        text = self.query(name)
        if text is None:
            return default
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
            raise invalid_param(f"The parameter {name} must be a whole number.")
        return max(0, min(int(text), highest))

    def query_flag(self, name: str) -> bool:
        """A true or false of the query; false if absent."""
        text = self.query(name)
        if text not in (None, "true", "false"):
            raise invalid_param(f"The parameter {name} must be true or false.")
        return text == "true"


class Headers:
    """Header look-up by lower-case name, whatever the server underneath hands over."""

    __slots__ = ("_get",)

    def __init__(self, get: Callable[[str], str | None]) -> None:
        self._get = get

    def get(self, name: str) -> str | None:
        """The header's value, or None."""
        return self._get(name)


Handler = Callable[[Service, Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path of the spec, with what it needs.

    `path` has {names} for segments. `auth`: "token", "optional" or "none". `body_bytes_max` bounds the
    body before it is read. `streams`: the body is an upload, bounded by a setting, and never whole in memory.
    """

    method: str
    path: str
    handler: Handler
    auth: str = "token"
    body_bytes_max: int = limits.BODY_BYTES_MAX
    streams: bool = False


def string(fields: dict[str, Any], name: str, *, default: str | None = None) -> str:
    """A string of a JSON object; required unless there is a default.

    Raises:
        MatrixError: 400 M_MISSING_PARAM or M_BAD_JSON.
    """
    value = fields.get(name, default)
    if value is None:
        raise missing_param(f"The body lacks `{name}`.")
    if not isinstance(value, str):
        raise bad_json(f"`{name}` must be a string.")
    return value


def optional_string(fields: dict[str, Any], name: str) -> str | None:
    """A string of a JSON object, or None if absent or null."""
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise bad_json(f"`{name}` must be a string.")
    return value


def integer(fields: dict[str, Any], name: str, default: int, highest: int) -> int:
    """A whole number of a JSON object, clamped to 0…highest."""
    value = fields.get(name, default)
    if type(value) is not int:
        raise bad_json(f"`{name}` must be a whole number.")
    return max(0, min(value, highest))


def boolean(fields: dict[str, Any], name: str, *, default: bool = False) -> bool:
    """A true or false of a JSON object."""
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise bad_json(f"`{name}` must be true or false.")
    return value


def json_object(fields: dict[str, Any], name: str, *, required: bool = False) -> dict[str, Any]:
    """An object inside a JSON object; {} if absent and not required."""
    value = fields.get(name)
    if value is None:
        if required:
            raise missing_param(f"The body lacks `{name}`.")
        return {}
    if not isinstance(value, dict):
        raise bad_json(f"`{name}` must be an object.")
    return value


def json_list(fields: dict[str, Any], name: str, entries_max: int) -> list[Any]:
    """A list inside a JSON object; [] if absent. Longer than `entries_max` is refused."""
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise bad_json(f"`{name}` must be a list.")
    if len(value) > entries_max:
        raise invalid_param(f"`{name}` has more than {entries_max} entries. Split the request.")
    return value


def strings(fields: dict[str, Any], name: str, entries_max: int) -> list[str]:
    """A list of strings inside a JSON object; [] if absent."""
    value = json_list(fields, name, entries_max)
    if not all(isinstance(entry, str) for entry in value):
        raise bad_json(f"`{name}` must be a list of strings.")
    return value
