"""What the tower decides for every site: the staff's room, and where sites stand (docs/protocol/tower.md)."""

from bongsu import ratelimit
from bongsu.api.admin_access import decide, refuse_at_hub
from bongsu.api.http import Request, Response, Route, answer, string
from bongsu.api.tower_access import officer
from bongsu.errors import forbidden, invalid_param, not_found
from bongsu.room.relief import is_relief
from bongsu.service import Service
from bongsu.tower import fields
from bongsu.tower.keys import COMMANDER, DEPUTY
from bongsu.view.tower_desk import PLACE, STAFF_ROOM


def _commander(service: Service, request: Request) -> str:
    service.node.rate.check(ratelimit.WRITE, request.who.user_id)
    if not {each.role for each in officer(service, request)} & {COMMANDER, DEPUTY}:
        raise forbidden("This is for commanders and deputies.")
    refuse_at_hub(service)
    return request.who.user_id


async def put_staff_room(service: Service, request: Request) -> Response:
    """PUT /tower/staff_room `{"room_id"}`: a relief room that every node keeps from now on, hubs too."""
    user_id = _commander(service, request)
    room_id = string(request.json(), "room_id")
    context = service.node.context
    room = context.live.find(room_id)
    if room is None or user_id not in room.joined:
        raise not_found("You are in no such room.")
    if not is_relief(context.events.body(room.state[("m.room.create", "")]).content):
        raise invalid_param("Hubs keep it, so it must be a relief room: type kr.bongsu.relief.")
    await decide(service, STAFF_ROOM, "", {"room_id": room_id})
    return answer({})


async def put_place(service: Service, request: Request) -> Response:
    """PUT /tower/places/{site} `{"at": [latitude, longitude] | null}`: where a site stands on the map."""
    _commander(service, request)
    site = request.path_parameters["site"]
    if site not in {each.site for each in service.node.context.authorities.certificates()}:
        raise not_found("There is no such site.")
    at = request.json(floats=True).get("at")
    await decide(service, PLACE, site, None if at is None else fields.coordinates(at))
    return answer({})


_TOWER = "/_bongsu/client/v1/tower"

ROUTES = [
    Route("PUT", f"{_TOWER}/staff_room", put_staff_room),
    Route("PUT", f"{_TOWER}/places/{{site}}", put_place),
]
