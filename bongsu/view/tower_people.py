"""Queries: who is asked in which area, and who has answered an alert (DESIGN 8)."""

from collections import Counter
from collections.abc import Iterable

from bongsu.view.context import Context

FAMILY = "area"


def areas_of_people(context: Context) -> dict[str, str]:
    """The area of every active user: the one they chose, else the site at which their account was made."""
    rows = context.db.all(
        "SELECT u.user_id, coalesce(json_extract(r.value, '$'), n.site, '') FROM users u"
        " LEFT JOIN nodes n ON n.node = u.author"
        " LEFT JOIN registers r ON r.family='area' AND r.owner=u.user_id AND r.key1='' AND r.key2=''"
        " WHERE u.deactivated=0"
    )
    return {user_id: str(area) for user_id, area in rows}


def asked(people: dict[str, str], areas: Iterable[str]) -> dict[str, str]:
    """Those in the areas; no areas mean everywhere."""
    wanted = set(areas)
    return {user_id: area for user_id, area in people.items() if not wanted or area in wanted}


def answer_of(context: Context, alert: str, user_id: str) -> str | None:
    """What the user answered to an alert."""
    answer = context.db.value("SELECT answer FROM alert_acks WHERE alert=? AND user_id=?", (alert, user_id))
    return None if answer is None else str(answer)


def answers(context: Context, alert: str) -> dict[str, str]:
    """The answer of every user who gave one."""
    return dict(context.db.all("SELECT user_id, answer FROM alert_acks WHERE alert=?", (alert,)))


def counts(people: dict[str, str], given: dict[str, str]) -> dict[str, dict[str, int]]:
    """Per area: people, each answer, and under "silent" those who gave none. Others count under ""."""
    found: dict[str, Counter[str]] = {area: Counter() for area in people.values()}
    for user_id, area in people.items():
        found[area]["people"] += 1
        found[area][given.get(user_id, "silent")] += 1
    for user_id, answer in given.items():
        if user_id not in people:
            found.setdefault("", Counter())[answer] += 1
    return {area: dict(counter) for area, counter in sorted(found.items())}
