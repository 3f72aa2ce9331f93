"""Our alerts as CAP 1.2 for other services: an Atom feed, signed documents, and the certificates to pin."""

from bongsu.api.http import Request, Response, Route
from bongsu.console.tasks import CERTIFICATE_FAMILY
from bongsu.errors import not_found
from bongsu.node import Node
from bongsu.service import Service
from bongsu.tower.alert import State
from bongsu.view import registers
from bongsu.view.tower import Shown

_KEPT = (State.STANDING, State.REPLACED, State.CANCELLED)


def _public(node: Node) -> dict[str, Shown]:
    """What the whole world may know."""
    found = node.context.tower.alerts()
    return {
        name: each
        for name, each in found.items()
        if each.state in _KEPT and each.content["scope"] == "Public" and not each.brief
    }


def _names(node: Node, shown: Shown) -> list[str]:
    keyring = node.context.tower.keyring()
    return [keyring.name(key) for key in shown.signers]


async def get_feed(service: Service, request: Request) -> Response:
    """GET /_bongsu/cap/feed.atom: alerts that have not expired, the latest first."""
    from bongsu.cap.write import feed

    node = service.node
    now_ms = node.now_ms()
    found = [each for each in _public(node).values() if each.content["expires"] > now_ms]
    names = {each.id: _names(node, each) for each in found}
    raw = feed(found, names, node.config.server_name, node.config.base_url, now_ms)
    return Response(200, raw, (("content-type", "application/atom+xml"),))


async def get_document(service: Service, request: Request) -> Response:
    """GET /_bongsu/cap/{id}.xml: an alert, signed with this site's key; certificates.pem: what to pin."""
    from bongsu.cap.signing import CapKey
    from bongsu.cap.write import cap_alert

    node = service.node
    name, _, kind = request.path_parameters["file"].rpartition(".")
    if (name, kind) == ("certificates", "pem"):
        return Response(200, _certificates(node).encode(), (("content-type", "application/x-pem-file"),))
    known = _public(node)
    shown = known.get(name)
    if shown is None or kind != "xml":
        raise not_found("There is no such alert. The feed lists them: /_bongsu/cap/feed.atom")
    key = ("cap", name, shown.changed)
    kept = service.cap_documents.get(key)
    if kept is None:
        root = cap_alert(shown, _names(node, shown), node.config.server_name, known)
        if service.cap_key is None:
            service.cap_key = CapKey.open(node.config.data, node.config.server_name)
        kept = service.cap_key.sign(root)
        service.cap_documents.put(key, kept)
    return Response(200, kept, (("content-type", "application/cap+xml"),))


def _certificates(node: Node) -> str:
    """Of every site, since any may answer."""
    found = registers.under(node.context, CERTIFICATE_FAMILY, "", "")
    return "".join(pem for _, pem in found if isinstance(pem, str))


ROUTES = [
    Route("GET", "/_bongsu/cap/feed.atom", get_feed, auth="none"),
    Route("GET", "/_bongsu/cap/{file}", get_document, auth="none"),
]
