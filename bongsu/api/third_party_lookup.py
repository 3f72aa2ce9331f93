"""What clients ask for that this service has none of: bridges, calls' relays, e-mail, telephone numbers.

Spec: third_party_lookup.yaml, voip.yaml, administrative_contact.yaml.
"""

from bongsu.api.http import Request, Response, Route, answer
from bongsu.errors import MatrixError, forbidden
from bongsu.service import Service


async def get_protocols(service: Service, request: Request) -> Response:
    """GET /thirdparty/protocols: no bridges."""
    return answer({})


async def get_turn_server(service: Service, request: Request) -> Response:
    """GET /voip/turnServer: refused, which is what makes clients stop asking."""
    raise forbidden("This service has no relay for calls. Calls within one network still work.")


async def deny(service: Service, request: Request) -> Response:
    """Adding an e-mail address or telephone number."""
    request.optional_json()
    raise MatrixError(
        403, "M_THREEPID_DENIED", "This service asks for no e-mail address or telephone number. Leave it out."
    )


async def reset(service: Service, request: Request) -> Response:
    """Resetting a password by e-mail or telephone."""
    request.optional_json()
    raise MatrixError(
        400,
        "M_THREEPID_NOT_FOUND",
        "Nobody here has an e-mail address or telephone number. Ask the administrator for a new password.",
    )


async def remove(service: Service, request: Request) -> Response:
    """Removing an address that cannot be there: it is gone, as asked."""
    request.optional_json()
    return answer({"id_server_unbind_result": "no-support"})


_CLIENT = "/_matrix/client/v3"
_ACCOUNT = f"{_CLIENT}/account/3pid"

ROUTES = [
    Route("GET", f"{_CLIENT}/thirdparty/protocols", get_protocols),
    Route("GET", f"{_CLIENT}/voip/turnServer", get_turn_server),
    Route("POST", _ACCOUNT, deny),
    Route("POST", f"{_ACCOUNT}/add", deny),
    Route("POST", f"{_ACCOUNT}/bind", deny),
    Route("POST", f"{_ACCOUNT}/delete", remove),
    Route("POST", f"{_ACCOUNT}/unbind", remove),
    *(
        Route("POST", f"{path}/{medium}/requestToken", handler, auth="none")
        for path, handler in (
            (_ACCOUNT, deny),
            (f"{_CLIENT}/register", deny),
            (f"{_CLIENT}/account/password", reset),
        )
        for medium in ("email", "msisdn")
    ),
]
