"""The order of a drill, and a second person's word for it, as they stand in an incident's acts. Pure."""

import re
from typing import Any

from bongsu import limits
from bongsu.errors import invalid_param
from bongsu.tower import fields

LAB, SITE = "lab", "site"
# What is done to a real site, each of which comes back by itself:
CUT = "cut"  # it is cut off from all others
FABRIC = "fabric"  # its links over NATS are gone, those over HTTPS stay
RESTART = "restart"  # its node ends in order, and its service manager starts it again
REAL = (CUT, FABRIC, RESTART)
PLAN = re.compile(r"[a-z][a-z-]{0,39}")


def check(said: dict[str, Any]) -> None:
    """What a `drill` act with a plan says, or a `confirmation` of one.

    Raises:
        MatrixError: a sentence about what is wrong.
    """
    if "drill" in said:
        fields.identifier(said, "drill")
        _site(said, "typed")
        return
    plan = said.get("plan")
    if not isinstance(plan, str) or not PLAN.fullmatch(plan):
        raise invalid_param("`plan` must be the name of a drill, for example site-kill.")
    where = fields.word(said, "where", (LAB, SITE))
    _site(said, "site")
    if where == SITE:
        if plan not in REAL:
            raise invalid_param(f"On a real site there are only the drills {', '.join(REAL)}.")
        if said.get("typed") != said["site"]:
            raise invalid_param("`typed` must be the name of the site, typed by hand.")
        minutes = said.get("minutes")
        if plan == RESTART:
            if "minutes" in said:
                raise invalid_param("A restart takes as long as it takes: leave `minutes` out.")
            return
        if type(minutes) is not int or not 1 <= minutes <= limits.DRILL_MINUTES_MAX:
            raise invalid_param(f"`minutes` must be 1 to {limits.DRILL_MINUTES_MAX}.")


def _site(said: dict[str, Any], name: str) -> None:
    value = said.get(name)
    if not isinstance(value, str) or not fields.AREA.fullmatch(value):
        raise invalid_param(f"`{name}` must be the name of a site.")
