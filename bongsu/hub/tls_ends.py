"""How long the certificates of hubs' addresses count, as far as data centres ordered them."""

from bongsu.node import Node
from bongsu.view import registers

TLS_CERTIFICATE = "tls_certificate"


def ends_of_hubs(node: Node) -> list[tuple[str, int]]:
    """(site, when its certificate ends, in ms) of every hub for which one was ordered."""
    found = []
    revoked = node.context.authorities.revocations()
    for key, said in registers.under(node.context, TLS_CERTIFICATE, "", ""):
        certificate = node.certificate_of(bytes.fromhex(key))
        if certificate is not None and certificate.node not in revoked and isinstance(said, dict):
            ends_ms = said.get("ends")
            if isinstance(ends_ms, int):
                found.append((certificate.site, ends_ms))
    return found
