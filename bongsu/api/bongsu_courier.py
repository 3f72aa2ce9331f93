"""What phones carry between sites: offers, files to take along, files that were brought.

docs/protocol/carry.md. No token: a courier may have no account here, and what is carried is sealed."""

from bongsu import ratelimit
from bongsu.api.http import Request, Response, Route, answer
from bongsu.courier.box import Kept
from bongsu.errors import missing_param, not_found
from bongsu.service import Service

_BINARY = ("content-type", "application/octet-stream")


async def get_waiting(service: Service, request: Request) -> Response:
    """GET /_bongsu/client/v1/courier: what there is to carry from here."""
    service.node.rate.check(ratelimit.COURIER, request.address)
    node = service.node
    now_ms = node.now_ms()
    kept = [
        {
            "id": each.name,
            "from": each.header.source,
            "to": each.header.destination,
            "bytes": each.size,
            "created_ms": each.header.created_ms,
            "expires_ms": each.header.expires_ms,
            "expires_in_ms": each.header.expires_ms - now_ms,
        }
        for each in service.desk.box.files(now_ms)
    ]
    return answer(
        {"site": node.config.site, "role": node.config.role, "waiting": service.desk.waiting(), "kept": kept}
    )


async def get_export(service: Service, request: Request) -> Response:
    """GET /_bongsu/client/v1/courier/export?to=SITE: a file sealed for that site."""
    service.node.rate.check(ratelimit.COURIER, request.address)
    name = request.query("to")
    if name is None:
        raise missing_param("Say for which site: ?to=SITE.")
    path, done = await service.desk.export(name)
    headers = (
        _BINARY,
        ("content-disposition", f'attachment; filename="{done.file_id.hex()}.carry"'),
        ("x-bongsu-id", done.file_id.hex()),
        ("x-bongsu-expires", str(done.expires_ms)),
        # By this site's own clock: one that was kept in a cupboard for months is behind by as much.
        ("x-bongsu-expires-in", str(done.expires_ms - service.node.now_ms())),
        ("x-bongsu-records", str(done.records)),
        ("x-bongsu-complete", "true" if done.complete else "false"),
    )
    return Response(200, headers=headers, file=str(path))


async def get_kept(service: Service, request: Request) -> Response:
    """GET /_bongsu/client/v1/courier/files/{id}: a file of another site that waits here."""
    service.node.rate.check(ratelimit.COURIER, request.address)
    found = service.desk.box.find(request.path_parameters["id"])
    if found is None:
        raise not_found("This file waits here no more.")
    return Response(200, headers=(_BINARY,), file=str(found.path))


async def post_file(service: Service, request: Request) -> Response:
    """POST /_bongsu/client/v1/courier: a file that was carried here."""
    service.node.rate.check(ratelimit.COURIER, request.address)
    assert request.chunks is not None
    done = await service.desk.bring(request.chunks)
    if isinstance(done, Kept):
        return answer({"kept": True, "to": done.header.destination, "expires_ms": done.header.expires_ms})
    return answer(done.as_json())


ROUTES = [
    Route("GET", "/_bongsu/client/v1/courier", get_waiting, auth="none"),
    Route("GET", "/_bongsu/client/v1/courier/export", get_export, auth="none"),
    Route("GET", "/_bongsu/client/v1/courier/files/{id}", get_kept, auth="none"),
    Route("POST", "/_bongsu/client/v1/courier", post_file, auth="none", streams=True),
]
