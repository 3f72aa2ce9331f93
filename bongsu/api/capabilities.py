"""GET /capabilities. Spec: capabilities.yaml."""

from bongsu.api.http import Request, Response, Route, answer
from bongsu.room.versions import VERSIONS
from bongsu.service import Service


async def get_capabilities(service: Service, request: Request) -> Response:
    """What this server lets its users do."""
    return answer(
        {
            "capabilities": {
                "m.change_password": {"enabled": True},
                "m.room_versions": {
                    "default": service.node.config.default_room_version,
                    "available": dict.fromkeys(VERSIONS, "stable"),
                },
                "m.set_displayname": {"enabled": True},
                "m.set_avatar_url": {"enabled": True},
                "m.3pid_changes": {"enabled": False},
                "m.get_login_token": {"enabled": True},
                "m.profile_fields": {"enabled": True},
            }
        }
    )


ROUTES = [Route("GET", "/_matrix/client/v3/capabilities", get_capabilities)]
