"""Strict JSON reading, canonical JSON, and base64 as Matrix uses it. Pure.

Spec: Appendices § Canonical JSON, § Unpadded Base64.
"""

import base64
import binascii
import json
import math
import re
from typing import Any, NoReturn

import msgspec

from bongsu import limits
from bongsu.errors import bad_json, not_json

_canonical_encoder = msgspec.json.Encoder(order="sorted")
_fast_encoder = msgspec.json.Encoder()
_TRUSTED = msgspec.json.Decoder()

canonical_bytes = _canonical_encoder.encode
"""Canonical JSON. The value must come from `read_json` or have passed `check_canonical`."""

json_bytes = _fast_encoder.encode
"""JSON in insertion order, for answers; splices `msgspec.Raw`."""

_INTEGER_CHARACTERS_MAX = len(str(-limits.JSON_INTEGER_MAX))
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_NAMES = {str}
_SURROGATE = re.compile("[\ud800-\udfff]")
# Possessive, and an open string runs to the end: linear on every input.
_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


def read_json(raw: bytes, *, floats: bool = False) -> Any:
    """Read one JSON value; refuse what canonical JSON cannot hold.

    Args:
        floats: let finite floats pass (account data and device lists may hold them; events may not).
    Raises:
        MatrixError: M_NOT_JSON if it is not JSON, M_BAD_JSON if it is JSON that no event may hold.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise not_json("The body is not UTF-8. Send JSON encoded as UTF-8.") from None
    _check_depth(raw)
    try:
        value = (_read_with_floats if floats else _read_without_floats)(text)
    except ValueError:
        raise not_json("The body is not JSON. Send exactly one JSON value.") from None
    if _SURROGATE_ESCAPE.search(raw):
        _check_surrogates(value)
    return value


def read_trusted(raw: bytes | str) -> Any:
    """Read JSON that this service wrote with its hash checked: fast, without the strict reader's rules."""
    return _TRUSTED.decode(raw)


def read_object(raw: bytes, *, floats: bool = False) -> dict[str, Any]:
    """As `read_json`, and the value must be an object."""
    value = read_json(raw, floats=floats)
    if not isinstance(value, dict):
        raise bad_json("The body must be a JSON object.")
    return value


def check_canonical(value: Any) -> None:
    """Raise M_BAD_JSON unless `value` can be written as canonical JSON.

    For values built in Python, decoded from another format, or read with `floats=True`.
    """
    level, depth = [value], 0
    while level:
        if depth > limits.JSON_DEPTH_MAX:
            _refuse_depth()
        below: list[Any] = []
        # Strings, objects and arrays without a call each: every event that arrives goes through here.
        for item in level:
            kind = type(item)
            if kind is str:
                if not item.isascii() and _SURROGATE.search(item):
                    _refuse_surrogate()
            elif kind is dict:
                _check_names(item)
                below += item
                below += item.values()
            elif kind is list:
                below += item
            else:
                _check_scalar(item, kind)
        level, depth = below, depth + 1


def unpadded_base64(data: bytes) -> str:
    """Encode as unpadded base64: keys, signatures, content hashes."""
    return base64.b64encode(data).rstrip(b"=").decode()


def unpadded_urlsafe_base64(data: bytes) -> str:
    """Encode as URL-safe unpadded base64: event ids."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_base64(text: str) -> bytes:
    """Decode unpadded base64; padding is tolerated, anything else is M_BAD_JSON."""
    return _decode(text, b"+/")


def decode_urlsafe_base64(text: str) -> bytes:
    """Decode URL-safe unpadded base64; padding is tolerated, anything else is M_BAD_JSON."""
    return _decode(text, b"-_")


def _decode(text: str, alternatives: bytes) -> bytes:
    stripped = text.rstrip("=")
    foreign = "-_" if alternatives == b"+/" else "+/"
    try:
        if stripped.translate({ord(character): None for character in foreign}) != stripped:
            raise ValueError
        return base64.b64decode(stripped + "=" * (-len(stripped) % 4), alternatives, validate=True)
    except (binascii.Error, ValueError):
        raise bad_json("A value that must be unpadded base64 is not. Send it without line breaks.") from None


def _check_depth(raw: bytes) -> None:
    if raw.count(b"[") + raw.count(b"{") <= limits.JSON_DEPTH_MAX:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(raw):
        first = raw[match.start()]
        if first in b"[{":
            depth += 1
            if depth > limits.JSON_DEPTH_MAX:
                _refuse_depth()
        elif first in b"]}":
            depth -= 1


def _check_surrogates(value: Any) -> None:
    try:
        _fast_encoder.encode(value)
    except UnicodeEncodeError:
        _refuse_surrogate()


def _check_names(item: dict[Any, Any]) -> None:
    if not {*map(type, item)} <= _NAMES:
        raise bad_json("The name of a property must be a string.")


def _check_scalar(item: Any, kind: type) -> None:
    if kind is int:
        if not -limits.JSON_INTEGER_MAX <= item <= limits.JSON_INTEGER_MAX:
            _refuse_integer()
    elif item is not None and kind is not bool:
        raise bad_json("Only objects, arrays, strings, integers, booleans and null may stand in an event.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise bad_json("An object names a property twice. Send each property once.")
    return value


def _integer(digits: str) -> int:
    if len(digits) > _INTEGER_CHARACTERS_MAX:
        _refuse_integer()
    value = int(digits)
    if not -limits.JSON_INTEGER_MAX <= value <= limits.JSON_INTEGER_MAX:
        _refuse_integer()
    return value


def _finite_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise bad_json("A number is too large. Send numbers that a double can hold.")
    return value


def _no_float(_digits: str) -> NoReturn:
    raise bad_json("A number is not an integer. Send integers without fraction or exponent.")


def _no_constant(name: str) -> NoReturn:
    raise bad_json(f"{name} is not a JSON number. Send a finite number.")


def _refuse_surrogate() -> NoReturn:
    raise bad_json("A string holds half of a surrogate pair. Send whole Unicode characters.") from None


def _refuse_depth() -> NoReturn:
    raise bad_json(f"The value is nested too deeply. Nest at most {limits.JSON_DEPTH_MAX} levels.")


def _refuse_integer() -> NoReturn:
    raise bad_json(f"An integer is out of range. Stay within ±{limits.JSON_INTEGER_MAX}.")


_read_without_floats = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_no_float, parse_constant=_no_constant
).decode
_read_with_floats = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_finite_float, parse_constant=_no_constant
).decode
