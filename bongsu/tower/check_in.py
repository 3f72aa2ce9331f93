"""Check-ins: "I am safe" and "I need help", in tens of bytes, and what they come to (DESIGN 8). Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bongsu import limits
from bongsu.errors import invalid_param
from bongsu.tower import fields, signed

SAFE, HELP = "safe", "help"
ANSWERS = (SAFE, HELP, "moving", "unknown")
SEEN = "seen"
ACK_ANSWERS = (SEEN, "confirmed", "cannot")
DECIMALS = 2  # of a degree: about a kilometre
CALL_TEXTS = {"question": 160, "note": 500}
_CALL_FIELDS = ("sender", "sent", "expires", "status", "areas", "texts", "incident")


@dataclass(frozen=True, slots=True)
class CheckIn:
    """What somebody said. `place`: words, or [latitude, longitude] rounded; `changed`: its news."""

    user_id: str
    answer: str
    together: tuple[str, ...]  # with whom
    place: str | tuple[float, float] | None
    request: str
    stamp: int
    changed: int = field(default=0, compare=False)


def check(body: dict[str, Any], *, exact: bool = False) -> dict[str, Any]:
    """A check-in as it is recorded, without the user: only what was said, coarse unless `exact`.

    Raises:
        MatrixError: a sentence about what is wrong.
    """
    fields.only(body, ("answer", "with", "where", "request", "exact"))
    found: dict[str, Any] = {"answer": fields.word(body, "answer", ANSWERS)}
    together = body.get("with", [])
    many = not isinstance(together, list) or len(together) > limits.CHECK_IN_WITH_MAX
    if many or not all(isinstance(each, str) and 0 < len(each) <= 255 for each in together):
        raise invalid_param(f"`with` must be a list of at most {limits.CHECK_IN_WITH_MAX} users or names.")
    if together:
        found["with"] = together
    place = place_of(body.get("where"), DECIMALS if not exact else 5)
    if place is not None:
        found["where"] = place
    if body.get("request"):
        found["request"] = fields.identifier(body, "request")
    return found


def place_of(value: Any, decimals: int) -> str | list[float] | None:
    """Words, or a place rounded so that it shows a village and not a house.

    Raises:
        MatrixError: it is neither.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= limits.CHECK_IN_PLACE_CHARACTERS_MAX and "\0" not in value:
        return value
    if isinstance(value, list) and len(value) == 2 and all(type(each) in (int, float) for each in value):
        latitude, longitude = (round(float(each), decimals) for each in value)
        if abs(latitude) <= 90 and abs(longitude) <= 180:
            return [latitude, longitude]
    raise invalid_param(
        f"`where` must be words of at most {limits.CHECK_IN_PLACE_CHARACTERS_MAX} characters, "
        "or [latitude, longitude]."
    )


def check_call(content: Any) -> dict[str, Any]:
    """The tower's question who is safe, which a tower key signs.

    Raises:
        MatrixError: a sentence about what is wrong.
    """
    found = fields.only(content, _CALL_FIELDS)
    fields.identifier(found, "sender")
    fields.word(found, "status", ("Actual", "Exercise", "Test"))
    sent, expires = fields.time_ms(found, "sent"), fields.time_ms(found, "expires")
    if not sent < expires <= sent + limits.SAFETY_CALL_LASTS_MS_MAX:
        raise invalid_param("`expires` must be later than `sent`, by at most 30 days.")
    fields.areas(found)
    fields.texts(found, CALL_TEXTS)
    if "incident" in found:
        fields.identifier(found, "incident")
    return found


def call_id(content: dict[str, Any]) -> str:
    """The name of a question."""
    return signed.statement_id(signed.CALL, content)


def standing(said: Iterable[CheckIn], play: Collection[str]) -> list[CheckIn]:
    """What each said last for real, and since in an exercise (`play`: those). `said`: the latest last."""
    real, played = dict[str, CheckIn](), dict[str, CheckIn]()
    for each in said:
        (played if each.request in play else real)[each.user_id] = each
    since = (each for name, each in played.items() if name not in real or each.stamp > real[name].stamp)
    return [*real.values(), *since]


def answers(
    said: Iterable[CheckIn], request: str, opened_ms: int, others: Collection[str] = ()
) -> list[CheckIn]:
    """What each answered last to a request: naming it, or said since. `said`: the latest last.

    `others`: questions of the other sort, exercises or real ones; what is said to them is no answer to this.
    """
    fits = (e for e in said if e.request == request or (e.stamp >= opened_ms and e.request not in others))
    return list({each.user_id: each for each in fits}.values())


def sums(asked: Mapping[str, str], answered: Iterable[CheckIn]) -> dict[str, dict[str, int]]:
    """Per area: how many gave each answer (of `answers`), and under "silent" how many gave none.

    `asked`: the area of every user who was asked. Others who answer count under the area "".
    """
    counted: dict[str, Counter[str]] = {area: Counter() for area in asked.values()}
    heard = set()
    for each in answered:
        counted.setdefault(asked.get(each.user_id, ""), Counter())[each.answer] += 1
        heard.add(each.user_id)
    for user_id, area in asked.items():
        counted[area]["silent"] += user_id not in heard
    return {area: dict(counter) for area, counter in sorted(counted.items())}
