"""A user's push rules. Spec: pushrules.yaml."""

import asyncio
from collections.abc import Callable
from typing import Any

from bongsu import limits, ratelimit
from bongsu.api.account_data import write
from bongsu.api.http import Request, Response, Route, answer, boolean
from bongsu.canonical import json_bytes
from bongsu.errors import missing_param, too_large
from bongsu.push import ruleset
from bongsu.service import Service
from bongsu.view import registers


def _stored(service: Service, request: Request) -> Any:
    return registers.get(service.node.context, "account_data", request.who.user_id, "", "m.push_rules")


async def _change(service: Service, request: Request, edit: Callable[[Any], ruleset.Stored]) -> Response:
    """Replace what is stored by what `edit` makes of it. Clients change several rules at the same moment."""
    user_id = request.who.user_id
    service.node.rate.check(ratelimit.WRITE, user_id)
    lock = service.push_rules_locks.setdefault(user_id, asyncio.Lock())
    async with lock:
        stored = edit(_stored(service, request))
        if len(json_bytes(stored)) > limits.PUSH_RULES_BYTES_MAX:
            raise too_large(
                f"Your push rules may have {limits.PUSH_RULES_BYTES_MAX} bytes. Delete some first."
            )
        await write(service, user_id, "", "m.push_rules", stored)
    return answer({})


def _named(request: Request) -> tuple[str, str]:
    return request.path_parameters["kind"], request.path_parameters["ruleId"]


def _rule(service: Service, request: Request) -> ruleset.Stored:
    return ruleset.find(_stored(service, request), request.who.user_id, *_named(request))


async def get_rules(service: Service, request: Request) -> Response:
    """GET /pushrules/."""
    return answer(ruleset.shown(_stored(service, request), request.who.user_id))


async def get_global(service: Service, request: Request) -> Response:
    """GET /pushrules/global/."""
    return answer(ruleset.merged(_stored(service, request), request.who.user_id))


async def get_rule(service: Service, request: Request) -> Response:
    """GET /pushrules/global/{kind}/{ruleId}."""
    return answer(_rule(service, request))


async def put_rule(service: Service, request: Request) -> Response:
    """PUT /pushrules/global/{kind}/{ruleId}."""
    body = request.json()
    kind, rule_id = _named(request)
    before, after = request.query("before"), request.query("after")
    return await _change(
        service,
        request,
        lambda stored: ruleset.with_rule(stored, kind, rule_id, body, before, after),
    )


async def delete_rule(service: Service, request: Request) -> Response:
    """DELETE /pushrules/global/{kind}/{ruleId}."""
    named = _named(request)
    return await _change(service, request, lambda stored: ruleset.without_rule(stored, *named))


async def get_enabled(service: Service, request: Request) -> Response:
    """GET …/enabled."""
    return answer({"enabled": _rule(service, request)["enabled"]})


async def put_enabled(service: Service, request: Request) -> Response:
    """PUT …/enabled."""
    body = request.json()
    if "enabled" not in body:
        raise missing_param("The body lacks `enabled`.")
    return await _put_field(service, request, {"enabled": boolean(body, "enabled")})


async def get_actions(service: Service, request: Request) -> Response:
    """GET …/actions."""
    return answer({"actions": _rule(service, request)["actions"]})


async def put_actions(service: Service, request: Request) -> Response:
    """PUT …/actions."""
    return await _put_field(service, request, {"actions": ruleset.checked_actions(request.json())})


async def _put_field(service: Service, request: Request, fields: dict[str, Any]) -> Response:
    user_id, named = request.who.user_id, _named(request)
    return await _change(
        service, request, lambda stored: ruleset.with_fields(stored, user_id, *named, fields)
    )


_RULES = "/_matrix/client/v3/pushrules"
_RULE = f"{_RULES}/global/{{kind}}/{{ruleId}}"

ROUTES = [
    Route("GET", f"{_RULES}/", get_rules),
    Route("GET", _RULES, get_rules),
    Route("GET", f"{_RULES}/global/", get_global),
    Route("GET", f"{_RULES}/global", get_global),
    Route("GET", _RULE, get_rule),
    Route("PUT", _RULE, put_rule),
    Route("DELETE", _RULE, delete_rule),
    Route("GET", f"{_RULE}/enabled", get_enabled),
    Route("PUT", f"{_RULE}/enabled", put_enabled),
    Route("GET", f"{_RULE}/actions", get_actions),
    Route("PUT", f"{_RULE}/actions", put_actions),
]
