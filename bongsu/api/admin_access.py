"""Who administers, that every act of theirs is recorded before it is done, and lists in pages."""

from typing import Any

from bongsu import drafts, limits, ratelimit, tower_drafts
from bongsu.api.http import Request, Response, answer
from bongsu.api.second_factor import check_second_factor
from bongsu.clock import next_stamp
from bongsu.errors import forbidden
from bongsu.service import Service
from bongsu.view import admin, registers

ADMIN = "/_bongsu/admin/v1"
_AT_A_HUB = (
    "A hub may not decide this for the service. Do it at a data centre; it takes effect here when the link "
    "is back."
)


def administrator(service: Service, request: Request) -> str:
    """The requester, who is an administrator and gave a code lately.

    Raises:
        MatrixError: 403 M_FORBIDDEN or KR_BONGSU_SECOND_FACTOR.
    """
    user_id = request.who.user_id
    service.node.rate.check(ratelimit.READ, user_id)
    if not admin.is_administrator(service.node.context, user_id):
        raise forbidden("This is for administrators. Who runs the service makes them: bongsu user admin.")
    check_second_factor(service, request)
    return user_id


def administrator_of_all(service: Service, request: Request) -> str:
    """The same for acts that bind every site: what a hub writes of them would count nowhere.

    Raises:
        MatrixError: 403.
    """
    actor = administrator(service, request)
    refuse_at_hub(service)
    return actor


def refuse_at_hub(service: Service) -> None:
    """Refuse what only data centres may decide.

    Raises:
        MatrixError: 403 M_FORBIDDEN, this is a hub.
    """
    if service.node.config.role == "hub":
        raise forbidden(_AT_A_HUB)


async def record_act(service: Service, actor: str, act: str, target: str) -> None:
    """Before it is done: an act that cannot be recorded is not done."""
    now = service.node.now_ms()
    await service.node.write(tower_drafts.admin_act(actor, act, target, now, next_stamp(now)))


async def decide(service: Service, family: str, name: str, value: Any) -> None:
    """Write a value of the service's own; None takes it back."""
    key = (family, "", "", name)
    stamp = registers.stamp_after(service.node.context, service.node.now_ms(), *key)
    await service.node.write(drafts.register(*key, value, stamp))


def page(request: Request) -> tuple[str, int]:
    """Behind what a list goes on, and how many entries are wanted."""
    limit = request.query_integer("limit", limits.ADMIN_PAGE, limits.ADMIN_PAGE_MAX)
    return request.query("from") or "", max(1, limit)


def before(request: Request) -> int:
    """Before which number a list goes on that shows the latest first."""
    return request.query_integer("from", limits.SEQ_MAX, limits.SEQ_MAX)


def paged(name: str, found: list[dict[str, Any]], key: str, limit: int) -> Response:
    """A page of a list, with what to ask for next if there may be more."""
    following = {"next": found[-1][key]} if len(found) == limit else {}
    return answer({name: found, **following})
