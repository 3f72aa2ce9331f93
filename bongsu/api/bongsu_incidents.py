"""Incidents: acts handed in, states and exports shown to the tower (docs/protocol/tower.md)."""

from bongsu import ratelimit
from bongsu.api.http import Request, Response, Route, answer
from bongsu.api.tower_access import check_time, hand_in, officer, refuse_unknown, right_signatures
from bongsu.errors import not_found
from bongsu.service import Service
from bongsu.tower import incident, signed
from bongsu.tower.export import state_fields
from bongsu.tower.incident import Act, Incident
from bongsu.tower.report import page
from bongsu.view import incidents

HTML = (
    ("content-type", "text/html; charset=utf-8"),
    ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"),
)


async def post_act(service: Service, request: Request) -> Response:
    """POST /incidents/acts: one act; the signature decides."""
    node = service.node
    node.rate.check(ratelimit.AUTHORITY, request.address)
    body = request.json()
    content = incident.check(body.get("content"))
    given = signed.check_signatures(body.get("signatures"))
    check_time(node, content)
    signatures = right_signatures(node, signed.ACT, content, given)
    name = incident.act_id(content)
    act = Act(name, content, content["sender"] in signatures)
    known = node.context.tower.incidents().get(act.incident)
    opened = content if content["act"] == incident.OPEN else None if known is None else known.opened
    if opened is None:
        raise not_found("There is no such incident here. It may be on its way from another site.")
    if not incident.counts(act, node.context.tower.keyring(), opened):
        refuse_unknown()
    await hand_in(node, signed.ACT, content, signatures)
    return answer({"id": name, "incident": act.incident})


async def get_incidents(service: Service, request: Request) -> Response:
    """GET /incidents: for the tower: what each has come to, the latest first."""
    officer(service, request)
    tower = service.node.context.tower
    found = [state_fields(each, tower.keyring()) for each in tower.incidents().values()]
    return answer({"incidents": found, "as_of": service.node.now_ms()})


def _named(service: Service, request: Request) -> Incident:
    officer(service, request)
    found = service.node.context.tower.incidents().get(request.path_parameters["incidentId"])
    if found is None:
        raise not_found("There is no such incident.")
    return found


async def get_incident(service: Service, request: Request) -> Response:
    """GET /incidents/{incidentId}: its acts, signatures and keys: a file that proves itself."""
    found = _named(service, request)
    context = service.node.context
    return answer({**incidents.exported(context, found), "names": incidents.names(context, found)})


async def get_report(service: Service, request: Request) -> Response:
    """GET /incidents/{incidentId}/report: a page to print."""
    found = _named(service, request)
    context = service.node.context
    said = page(incidents.exported(context, found), incidents.names(context, found))
    return Response(200, said.encode(), HTML)


_INCIDENTS = "/_bongsu/client/v1/incidents"

ROUTES = [
    Route("POST", f"{_INCIDENTS}/acts", post_act, auth="none"),
    Route("GET", _INCIDENTS, get_incidents),
    Route("GET", f"{_INCIDENTS}/{{incidentId}}", get_incident),
    Route("GET", f"{_INCIDENTS}/{{incidentId}}/report", get_report),
]
