"""Alerts: handed in, shown, acknowledged (docs/protocol/tower.md). A node can sign none."""

from collections import Counter
from typing import Any

from bongsu import limits, ratelimit, tower_drafts
from bongsu.api.http import Request, Response, Route, answer, string
from bongsu.api.tower_access import check_time, hand_in, officer, refuse_unknown, right_signatures
from bongsu.canonical import decode_base64, unpadded_base64
from bongsu.clock import next_stamp
from bongsu.errors import MatrixError, forbidden, invalid_param, not_found
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.service import Service
from bongsu.sync.tower import alert_fields, foreign_alerts
from bongsu.tower import alert, brief, signed
from bongsu.tower.alert import Alert, State
from bongsu.tower.broadcast import CHARACTERS, cell_broadcast
from bongsu.tower.check_in import ACK_ANSWERS, SEEN
from bongsu.view import tower_people


async def post_preview(service: Service, request: Request) -> Response:
    """POST /alerts/preview: what an alert would be in every form, and what to sign."""
    content = alert.check(request.json().get("content"))
    forms: dict[str, Any] = {
        "id": alert.alert_id(content),
        "sign": unpadded_base64(signed.message(signed.ALERT, content)),
        "cell_broadcast": {str(most): cell_broadcast(content, most) for most in CHARACTERS},
        "warnings": _warnings(service.node, content),
        "reach": _reach(service.node, content),
    }
    try:
        payload = brief.payload(content)
        said = brief.decode(brief.encode(payload, content["sender"], bytes(brief.SIGNATURE_BYTES)))
        forms["brief"] = {
            "sign": unpadded_base64(brief.DOMAIN + payload),
            "headline": said.headline,
            "bytes": len(brief.encode(payload, content["sender"], said.signature)),
        }
    except MatrixError as error:
        forms["warnings"].append({"errcode": "KR_BONGSU_NO_BRIEF", "error": error.error})
    return answer(forms)


def _warnings(node: Node, content: dict[str, Any]) -> list[dict[str, str]]:
    found = []
    if "en" not in content["texts"]:
        found.append({"errcode": "KR_BONGSU_NO_ENGLISH", "error": "There is no English text."})
    people = tower_people.areas_of_people(node.context)
    unknown = sorted(set(content["areas"]) - tower_people.known(people))
    if unknown:
        sentence = f"Nobody is known in: {', '.join(unknown)}. Their answers will be counted under no area."
        found.append({"errcode": "KR_BONGSU_NOBODY_THERE", "error": sentence})
    return found


def _reach(node: Node, content: dict[str, Any]) -> dict[str, Any]:
    """How many people are meant, by area: what its writer looks at before it is signed."""
    meant = tower_people.asked(tower_people.areas_of_people(node.context), content["areas"])
    return {"people": len(meant), "areas": dict(sorted(Counter(meant.values()).items()))}


async def post_alert(service: Service, request: Request) -> Response:
    """POST /alerts: an alert and its signatures, or a brief as it came by radio."""
    node = service.node
    node.rate.check(ratelimit.AUTHORITY, request.address)
    body = request.json()
    if "brief" in body:
        return answer(await _take_brief(node, decode_base64(string(body, "brief"))))
    content = alert.check(body.get("content"))
    given = signed.check_signatures(body.get("signatures"))
    check_time(node, content)
    signatures = right_signatures(node, signed.ALERT, content, given)
    name = alert.alert_id(content)
    state = alert.counts(Alert(name, content, frozenset(signatures)), node.context.tower.keyring())
    if state is State.REFUSED:
        refuse_unknown()
    await hand_in(node, signed.ALERT, content, signatures, _briefs(node, content, body.get("briefs", {})))
    shown = node.context.tower.alerts().get(name)
    return answer({"id": name, "state": str(state if shown is None else shown.state)})


def _briefs(node: Node, content: dict[str, Any], signatures: Any) -> list[Draft]:
    """The alert's forms for radio."""
    if not isinstance(signatures, dict) or len(signatures) > limits.TOWER_SIGNATURES_MAX:
        raise invalid_param("`briefs` must give signatures in unpadded base64 by the ids of tower keys.")
    keyring, found = node.context.tower.keyring(), []
    for key, text in signatures.items():
        public = keyring.public_key(key)
        payload = brief.payload(content)
        signature = decode_base64(text) if isinstance(text, str) else b""
        if public is None or not signed.is_signed(brief.DOMAIN + payload, public, signature):
            raise forbidden("The signature of the brief is wrong. Sign what the preview shows.")
        raw = brief.encode(payload, key, signature)
        found.append(tower_drafts.alert_brief(raw, next_stamp(node.now_ms())))
    return found


async def _take_brief(node: Node, raw: bytes) -> dict[str, str]:
    said = brief.decode(raw)
    check_time(node, said.content())
    state = brief.counts([said], node.context.tower.keyring())
    if state is State.REFUSED:
        refuse_unknown()
    await node.write(tower_drafts.alert_brief(raw, next_stamp(node.now_ms())))
    return {"id": said.id, "state": str(state)}


async def get_alerts(service: Service, request: Request) -> Response:
    """GET /alerts: all that warn, standing and past, ours and others', the latest first."""
    node, user_id = service.node, request.who.user_id
    context = node.context
    is_officer = bool(context.tower.keyring().roles(user_id, node.now_ms()))
    found = []
    for each in context.tower.alerts().values():
        if each.state is State.PENDING and not is_officer:
            continue
        given = tower_people.answer_of(context, each.id, user_id)
        found.append({**alert_fields(context, each), "answer": given})
    found += [{**fields, "answer": None} for _, fields in foreign_alerts(context)]
    found.sort(key=lambda each: -int(each["content"]["sent"]))
    return answer({"alerts": found[: limits.ALERTS_SHOWN_MAX], "now": node.now_ms()})


async def put_ack(service: Service, request: Request) -> Response:
    """PUT /alerts/{id}/ack: seen, confirmed or cannot."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.RECEIPT, user_id)
    name = request.path_parameters["alertId"]
    given = string(request.json(), "answer")
    if given not in ACK_ANSWERS:
        raise invalid_param(f"`answer` must be one of: {', '.join(ACK_ANSWERS)}.")
    # Whoever was shown the brief answers it, also when the whole alert has taken its place.
    known = node.context.tower.alerts()
    if name not in known and name not in map(alert.brief_id, known):
        raise not_found("There is no such alert.")
    before = tower_people.answer_of(node.context, name, user_id)
    stamp = node.context.db.value(
        "SELECT stamp FROM alert_acks WHERE alert=? AND user_id=?",
        (alert.brief_id(name), user_id),
        default=0,
    )
    if before != given and (before is None or given != SEEN):
        await node.write(tower_drafts.alert_ack(user_id, name, given, next_stamp(node.now_ms(), stamp)))
    return answer({})


async def get_acks(service: Service, request: Request) -> Response:
    """GET /alerts/{id}/acks: for the tower: counts per area, and who is silent or cannot."""
    officer(service, request)
    node = service.node
    name = request.path_parameters["alertId"]
    shown = node.context.tower.alerts().get(name)
    if shown is None:
        raise not_found("There is no such alert.")
    people = tower_people.asked(tower_people.areas_of_people(node.context), shown.content["areas"])
    given = tower_people.answers(node.context, name)
    return answer(
        {
            "id": name,
            "areas": tower_people.counts(people, given),
            "cannot": sorted(user for user, said in given.items() if said == "cannot"),
            "silent": sorted(people.keys() - given.keys()),
            "as_of": node.now_ms(),
        }
    )


_ALERTS = "/_bongsu/client/v1/alerts"

ROUTES = [
    Route("POST", f"{_ALERTS}/preview", post_preview),
    Route("POST", _ALERTS, post_alert, auth="none"),
    Route("GET", _ALERTS, get_alerts),
    Route("PUT", f"{_ALERTS}/{{alertId}}/ack", put_ack),
    Route("GET", f"{_ALERTS}/{{alertId}}/acks", get_acks),
]
