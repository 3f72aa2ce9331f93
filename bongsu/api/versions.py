"""GET /versions. Spec: versions.yaml."""

from bongsu.api.http import Request, Response, Route, answer
from bongsu.service import Service

_VERSIONS = [
    "v1.1",
    "v1.2",
    "v1.3",
    "v1.4",
    "v1.5",
    "v1.6",
    "v1.7",
    "v1.8",
    "v1.9",
    "v1.10",
    "v1.11",
    "v1.12",
]


async def get_versions(service: Service, request: Request) -> Response:
    """The versions of the specification this server speaks."""
    return answer({"versions": _VERSIONS, "unstable_features": {"org.matrix.msc4222": True}})


ROUTES = [Route("GET", "/_matrix/client/versions", get_versions, auth="none")]
