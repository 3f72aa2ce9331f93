"""Reading the fields of tower statements: each has a bound, and a sentence for who breaks it. Pure."""

import re
from collections.abc import Collection
from typing import Any

from bongsu import limits
from bongsu.errors import invalid_param, missing_param, too_large
from bongsu.tower.signed import is_id

AREA = re.compile(r"[\w.-]{1,32}")
LANGUAGES = ("ko", "en")
# They turn the letters round them about, so that a text reads as what nobody wrote (Unicode TR 36, 2.6).
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def unturned(value: str) -> str:
    """The text without characters that change the direction of others."""
    return _TURNING.sub("", value)


def refuse_turning(content: dict[str, Any]) -> None:
    """Raise a MatrixError if what somebody writes now has such characters; what stands is still read."""
    said = [
        (f"texts.{language}.{part}", text)
        for language, parts in content["texts"].items()
        for part, text in parts.items()
    ]
    for name, value in [("event", content["event"]), *said]:
        if unturned(value) != value:
            raise invalid_param(
                f"`{name}` has an invisible character that turns the text about. Type it anew."
            )


def text(content: dict[str, Any], name: str, characters_max: int, *, least: int = 1) -> str:
    """A text; one that may be left out has `least` 0.

    Raises:
        MatrixError: it is missing, no text, or too long.
    """
    value = content.get(name, "" if least == 0 else None)
    if value is None:
        raise missing_param(f"`{name}` is missing.")
    if not isinstance(value, str) or len(value) < least or "\0" in value:
        raise invalid_param(f"`{name}` must be a text that is not empty.")
    if len(value) > characters_max:
        raise too_large(f"`{name}` may have {characters_max} characters.")
    return value


def word(content: dict[str, Any], name: str, allowed: Collection[str]) -> str:
    """One of a few words.

    Raises:
        MatrixError: it is another.
    """
    value = content.get(name)
    if not isinstance(value, str) or value not in allowed:
        raise invalid_param(f"`{name}` must be one of: {', '.join(allowed)}.")
    return value


def time_ms(content: dict[str, Any], name: str) -> int:
    """Milliseconds since 1970, in whole seconds, as CAP counts.

    Raises:
        MatrixError: it is something else.
    """
    value = content.get(name)
    if type(value) is not int or not 0 < value <= limits.SEQ_MAX or value % 1000:
        raise invalid_param(f"`{name}` must be milliseconds since 1970, in whole seconds.")
    return value


def identifier(content: dict[str, Any], name: str) -> str:
    """The id of a statement or key.

    Raises:
        MatrixError: it is something else.
    """
    value = content.get(name)
    if not is_id(value):
        raise invalid_param(f"`{name}` must be an id of 32 hexadecimal digits.")
    return str(value)


def identifiers(content: dict[str, Any], name: str) -> list[str]:
    """A list of ids, [] when left out.

    Raises:
        MatrixError: it is something else, or too long.
    """
    value = content.get(name, [])
    good = isinstance(value, list) and len(value) <= limits.TOWER_REFERENCES_MAX
    if not good or not all(is_id(each) for each in value):
        raise invalid_param(f"`{name}` must be a list of at most {limits.TOWER_REFERENCES_MAX} ids.")
    return list(value)


def areas(content: dict[str, Any]) -> list[str]:
    """Ids of districts, sites or hubs, each once and in order; [] means everywhere.

    Raises:
        MatrixError: an id is none, or there are too many.
    """
    value = content.get("areas")
    good = isinstance(value, list) and len(value) <= limits.TOWER_AREAS_MAX
    if not good or not all(isinstance(each, str) and AREA.fullmatch(each) for each in value or []):
        raise invalid_param(
            f"`areas` must be a list of at most {limits.TOWER_AREAS_MAX} ids of districts or hubs; "
            "an empty list means everywhere."
        )
    if list(value or []) != sorted(set(value or [])):
        raise invalid_param("`areas` must be sorted, each area once.")
    return list(value or [])


def texts(content: dict[str, Any], parts: dict[str, int]) -> dict[str, dict[str, str]]:
    """Texts by language, `parts` with the most characters of each; the first part must be there in Korean.

    Raises:
        MatrixError: a language is missing or unknown, or a text is too long.
    """
    value = content.get("texts")
    if not isinstance(value, dict) or "ko" not in value or not set(value) <= set(LANGUAGES):
        raise invalid_param("`texts` must have Korean under `ko`, may have English under `en`, and no other.")
    first = next(iter(parts))
    found: dict[str, dict[str, str]] = {}
    for language, said in value.items():
        if not isinstance(said, dict) or not set(said) <= parts.keys():
            raise invalid_param(f"`texts.{language}` may have: {', '.join(parts)}.")
        found[language] = {
            part: text(said, part, most, least=int(part == first)) for part, most in parts.items()
        }
    return found


def only(content: Any, allowed: Collection[str]) -> dict[str, Any]:
    """The content, which has no other fields: what nobody knows nobody signs.

    Raises:
        MatrixError: it is no object, or has others.
    """
    if not isinstance(content, dict):
        raise invalid_param("The content must be an object.")
    unknown = sorted(str(name) for name in content.keys() - set(allowed))
    if unknown:
        raise invalid_param(f"There is no field {unknown[0][:50]} here. There are: {', '.join(allowed)}.")
    return content


def coordinates(value: Any) -> list[float]:
    """[latitude, longitude] in degrees, to about a metre.

    Raises:
        MatrixError: it is something else.
    """
    if isinstance(value, list) and len(value) == 2 and all(type(each) in (int, float) for each in value):
        latitude, longitude = (round(float(each), 5) for each in value)
        if abs(latitude) <= 90 and abs(longitude) <= 180:
            return [latitude, longitude]
    raise invalid_param("A place is [latitude, longitude] in degrees.")


def microdegrees(content: dict[str, Any], name: str) -> None:
    """[latitude, longitude] in millionths of a degree, as what is signed has whole numbers; or nothing.

    Raises:
        MatrixError: it is something else.
    """
    value = content.get(name)
    if value is None:
        return
    good = isinstance(value, list) and len(value) == 2 and all(type(each) is int for each in value)
    if not good or abs(value[0]) > 90_000_000 or abs(value[1]) > 180_000_000:
        raise invalid_param(f"`{name}` must be [latitude, longitude] in millionths of a degree.")
