"""Where clients find the service. Spec: wellknown.yaml, support.yaml."""

from bongsu.api.http import Request, Response, Route, answer
from bongsu.errors import not_found
from bongsu.service import Service


async def get_wellknown(service: Service, request: Request) -> Response:
    """The base URL of the Client-Server API."""
    config = service.node.config
    return answer({"m.homeserver": {"base_url": config.public_url or f"http://{config.listen}"}})


async def get_wellknown_support(service: Service, request: Request) -> Response:
    """Whom to ask for help."""
    contact = service.node.config.admin_contact
    if not contact:
        raise not_found("The operator of this service has named no contact.")
    if contact.startswith("mailto:"):
        return answer(
            {"contacts": [{"role": "m.role.admin", "email_address": contact.removeprefix("mailto:")}]}
        )
    return answer({"support_page": contact})


ROUTES = [
    Route("GET", "/.well-known/matrix/client", get_wellknown, auth="none"),
    Route("GET", "/.well-known/matrix/support", get_wellknown_support, auth="none"),
]
