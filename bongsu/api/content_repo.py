"""Files. Spec: content-repo.yaml, authed-content-repo.yaml; docs/decisions/media.md."""

import re
from urllib.parse import quote

from bongsu import limits, ratelimit
from bongsu.api.http import Request, Response, Route, answer
from bongsu.errors import MatrixError, forbidden, invalid_param, missing_param, not_found
from bongsu.service import Service
from bongsu.view.media import Media

# The types a browser may show in place. Spec: § Serving inline content.
_INLINE = frozenset(
    (
        *("text/css", "text/plain", "text/csv", "application/json", "application/ld+json"),
        *("image/jpeg", "image/gif", "image/png", "image/apng", "image/webp", "image/avif"),
        *("video/mp4", "video/webm", "video/ogg", "video/quicktime"),
        *("audio/mp4", "audio/webm", "audio/aac", "audio/mpeg", "audio/ogg", "audio/wave", "audio/wav"),
        *("audio/x-wav", "audio/x-pn-wav", "audio/flac", "audio/x-flac"),
    )
)
_HEADERS = (
    (
        "content-security-policy",
        "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf;"
        " style-src 'unsafe-inline'; object-src 'self';",
    ),
    ("cross-origin-resource-policy", "cross-origin"),
    # A media id never changes its bytes; only the user who may read it may keep them.
    ("cache-control", "private, max-age=31536000, immutable"),
    ("accept-ranges", "bytes"),
)
_MEDIA_ID = re.compile(r"[0-9A-Za-z_-]{1,255}")
_RANGE = re.compile(r"bytes=([0-9]{1,15})-([0-9]{0,15})")


async def get_config(service: Service, request: Request) -> Response:
    """GET /media/config: the largest upload."""
    return answer({"m.upload.size": service.node.config.upload_bytes_max})


async def create(service: Service, request: Request) -> Response:
    """POST /media/v1/create: an id whose bytes come later."""
    user_id = request.who.user_id
    _check_may_upload(service, user_id)
    media_id, ends_ts = await service.media.promise(user_id)
    return answer({"content_uri": _uri(service, media_id), "unused_expires_at": ends_ts})


async def upload(service: Service, request: Request) -> Response:
    """POST /media/v3/upload."""
    user_id = request.who.user_id
    _check_may_upload(service, user_id)
    assert request.chunks is not None
    media_id = await service.media.upload(
        user_id, request.chunks, request.headers.get("content-type"), request.query("filename")
    )
    return answer({"content_uri": _uri(service, media_id)})


async def upload_to_id(service: Service, request: Request) -> Response:
    """PUT /media/v3/upload/{serverName}/{mediaId}: the bytes of an id made by /create."""
    user_id = request.who.user_id
    _check_may_upload(service, user_id)
    assert request.chunks is not None
    if request.headers.get("content-length") is None:
        # The server underneath shows a connection that breaks within chunks as their end, and this id
        # takes its bytes once. Other uploads get an id that only a whole answer tells.
        raise MatrixError(411, "M_UNKNOWN", "Say the length of the file in a Content-Length header.")
    await service.media.fill(
        _media_id(service, request),
        user_id,
        request.chunks,
        request.headers.get("content-type"),
        request.query("filename"),
    )
    return answer({})


def _check_may_upload(service: Service, user_id: str) -> None:
    service.node.rate.check(ratelimit.UPLOAD, user_id)
    service.power.check_media()
    if service.node.config.upload_bytes_max == 0:
        raise forbidden("This service takes no files.")


def _uri(service: Service, media_id: str) -> str:
    return f"mxc://{service.node.config.server_name}/{media_id}"


def _media_id(service: Service, request: Request) -> str:
    """The id in the path, if it can be one of ours."""
    media_id = request.path_parameters["mediaId"]
    ours = request.path_parameters["serverName"] == service.node.config.server_name
    if not ours or not _MEDIA_ID.fullmatch(media_id):
        raise not_found("There is no such file here.")
    return media_id


async def _find(service: Service, request: Request) -> Media:
    service.node.rate.check(ratelimit.READ, request.who.user_id)
    service.power.check_media()
    wait_ms = request.query_integer("timeout_ms", limits.MEDIA_WAIT_S * 1000, limits.MEDIA_WAIT_MS_MAX)
    return await service.media.find(_media_id(service, request), wait_ms / 1000)


async def download(service: Service, request: Request) -> Response:
    """GET /media/download/{serverName}/{mediaId}, with or without a file name to give the download."""
    found = await _find(service, request)
    assert found.hash is not None
    inline = found.content_type.partition(";")[0].strip().lower() in _INLINE
    disposition = "inline" if inline else "attachment"
    file_name = request.path_parameters.get("fileName") or found.file_name
    if file_name:
        disposition += f"; filename*=utf-8''{quote(file_name, safe='', errors='replace')}"
    headers = (
        ("content-type", found.content_type),
        ("content-disposition", disposition),
        *_HEADERS,
    )
    path = str(service.media.files.path(found.hash))
    wanted = _range(request, found.bytes)
    if wanted is None:
        # Of its own the server underneath says no length, and then no client can say how much is to come.
        return Response(200, headers=(*headers, ("content-length", str(found.bytes))), file=path)
    first, end = wanted
    span = (
        ("content-range", f"bytes {first}-{end - 1}/{found.bytes}"),
        ("content-length", str(end - first)),
    )
    return Response(206, headers=(*headers, *span), file=path, file_range=(first, end))


def _range(request: Request, size: int) -> tuple[int, int] | None:
    """The one range asked for, from and to (exclusive). Anything else gets the whole file, as HTTP allows."""
    match = _RANGE.fullmatch(request.headers.get("range") or "")
    if match is None:
        return None
    first = int(match[1])
    end = min(int(match[2]) + 1, size) if match[2] else size
    return (first, end) if first < end else None


async def thumbnail(service: Service, request: Request) -> Response:
    """GET /media/thumbnail/{serverName}/{mediaId}; never animated."""
    if request.query("width") is None or request.query("height") is None:
        raise missing_param("The query lacks `width` or `height`.")
    if "-" in f"{request.query('width')}{request.query('height')}":
        raise invalid_param("`width` and `height` must not be negative.")
    width = request.query_integer("width", 0, 10_000)
    height = request.query_integer("height", 0, 10_000)
    method = request.query("method") or "scale"
    if method not in ("crop", "scale") or not width or not height:
        raise invalid_param("`method` must be crop or scale, `width` and `height` more than 0.")
    request.query_flag("animated")
    found = await _find(service, request)
    assert found.hash is not None
    path, content_type = await service.media.thumbnails.get(found.hash, width, height, method)
    name = "thumbnail." + content_type.removeprefix("image/")
    headers = (
        ("content-type", content_type),
        ("content-disposition", f'inline; filename="{name}"'),
        *_HEADERS,
    )
    return Response(200, headers=headers, file=str(path))


async def preview_url(service: Service, request: Request) -> Response:
    """GET /media/preview_url: nothing is fetched from third parties, so nothing is known of an address."""
    if not request.query("url"):
        raise missing_param("The query lacks `url`.")
    return answer({})


async def frozen(service: Service, request: Request) -> Response:
    """The old paths without a token: nothing was uploaded before the freeze. Spec: § Client behaviour."""
    raise not_found("Files are given only to users who are logged in: ask /_matrix/client/v1/media.")


_MEDIA = "/_matrix/client/v1/media"
_OLD = "/_matrix/media/v3"
_ID = "{serverName}/{mediaId}"

ROUTES = [
    Route("GET", f"{_MEDIA}/config", get_config),
    Route("GET", f"{_OLD}/config", get_config),
    Route("POST", "/_matrix/media/v1/create", create),
    Route("POST", f"{_OLD}/upload", upload, streams=True),
    Route("PUT", f"{_OLD}/upload/{_ID}", upload_to_id, streams=True),
    Route("GET", f"{_MEDIA}/download/{_ID}", download),
    Route("GET", f"{_MEDIA}/download/{_ID}/{{fileName}}", download),
    Route("GET", f"{_MEDIA}/thumbnail/{_ID}", thumbnail),
    Route("GET", f"{_MEDIA}/preview_url", preview_url),
    Route("GET", f"{_OLD}/preview_url", preview_url),
    Route("GET", f"{_OLD}/download/{_ID}", frozen, auth="none"),
    Route("GET", f"{_OLD}/download/{_ID}/{{fileName}}", frozen, auth="none"),
    Route("GET", f"{_OLD}/thumbnail/{_ID}", frozen, auth="none"),
]
