"""Queries: who is asked in which area, and who has answered an alert (DESIGN 8)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bongsu.tower.alert import brief_id
from bongsu.view.context import Context

FAMILY = "area"


class Areas(NamedTuple):
    """Where a user is counted: the area they chose, and the site at which their account was made."""

    chosen: str
    home: str

    @property
    def counted(self) -> str:
        """The one of the two that the user is counted in."""
        return self.chosen or self.home


def areas_of_people(context: Context) -> dict[str, Areas]:
    """The areas of every active user."""
    rows = context.db.all(
        "SELECT u.user_id, coalesce(json_extract(r.value, '$'), ''), coalesce(n.site, '') FROM users u"
        " LEFT JOIN nodes n ON n.node = u.author"
        " LEFT JOIN registers r ON r.family='area' AND r.owner=u.user_id AND r.key1='' AND r.key2=''"
        " WHERE u.deactivated=0"
    )
    return {user_id: Areas(str(chosen), str(home)) for user_id, chosen, home in rows}


def asked(people: Mapping[str, Areas], areas: Iterable[str]) -> dict[str, str]:
    """Those in the areas, each with the area by which they are meant; no areas mean everywhere.

    A district means who chose it. A site or hub means everybody whose home it is, in whichever of its
    districts they live: else a warning for a town hall would miss all who had said more exactly where.
    """
    wanted = set(areas)
    found = {}
    for user_id, each in people.items():
        if not wanted or each.counted in wanted:
            found[user_id] = each.counted
        elif each.home in wanted:
            found[user_id] = each.home
    return found


def known(people: Mapping[str, Areas]) -> set[str]:
    """Every area in which somebody is."""
    return {area for each in people.values() for area in each if area}


def answer_of(context: Context, alert: str, user_id: str) -> str | None:
    """What the user answered to an alert, or to its brief."""
    key = (brief_id(alert), user_id)
    answer = context.db.value("SELECT answer FROM alert_acks WHERE alert=? AND user_id=?", key)
    return None if answer is None else str(answer)


def answers(context: Context, alert: str) -> dict[str, str]:
    """The answer of every user who gave one, to the alert or to its brief."""
    return dict(context.db.all("SELECT user_id, answer FROM alert_acks WHERE alert=?", (brief_id(alert),)))


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
