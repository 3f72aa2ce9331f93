"""What the operator of a hub is told and may do: who is here, what waits, and vouching for newcomers."""

import secrets
from typing import Any

from bongsu import drafts, limits
from bongsu.certificate_ends import days_left, tls_end_ms
from bongsu.clock import next_stamp
from bongsu.errors import forbidden
from bongsu.hub.interest import Interests
from bongsu.hub.power import Power
from bongsu.live.presence import OFFLINE
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.speakers import HUB_TOKEN
from bongsu.view import registers, users
from bongsu.view.tokens import token_key

HOUR_MS = 3_600_000


def check_operator(node: Node, user_id: str) -> None:
    """Refuse who does not run this hub.

    Raises:
        MatrixError: 403 M_FORBIDDEN.
    """
    if user_id not in node.config.operators:
        raise forbidden("Only the operators of this node see this: setting operators.")


def standing(node: Node, peers: Peers, power: Power, interests: Interests) -> dict[str, Any]:
    """Who is here, who is linked and since when, what is left of battery and certificates."""
    now_ms = node.now_ms()
    certificate = node.certificate_of(node.log.key.node)
    residents = [] if certificate is None else node.context.residencies.residents(certificate)
    interest = interests.of(node.log.key.node)
    return {
        "site": node.config.site,
        "role": node.config.role,
        "base_url": node.config.base_url,
        "now_ms": now_ms,
        "residents": [_person(node, user_id) for user_id in residents],
        "scopes_kept": None if interest is None else len(interest.scopes),
        "links": [_link(node, peers, each.node) for each in node.context.authorities.certificates()],
        "battery": power.as_json(),
        "certificates": _ends(node, now_ms),
    }


def _person(node: Node, user_id: str) -> dict[str, Any]:
    name = users.profile(node.context, user_id).get("displayname")
    here = node.live.presences.get(user_id).state != OFFLINE
    return {"user_id": user_id, "name": name if isinstance(name, str) else None, "here": here}


def _link(node: Node, peers: Peers, name: bytes) -> dict[str, Any]:
    certificate = node.certificate_of(name)
    return {
        "site": "" if certificate is None else certificate.site,
        "role": "" if certificate is None else certificate.role,
        "this": name == node.log.key.node,
        "linked": name in peers.links,
        "by_radio": name in peers.thin,
        "plain_only": name in peers.plain,
        "since_ms": peers.changed_ms.get(name),
    }


def _ends(node: Node, now_ms: int) -> dict[str, float | None]:
    """Days until the certificates of the node and of its address end; None: that there is none, or unread."""
    certificate = node.certificate_of(node.log.key.node)
    ends: dict[str, float | None] = {"node": None, "tls": None}
    if certificate is not None and certificate.expires_ms is not None:
        ends["node"] = round(days_left(certificate.expires_ms, now_ms), 1)
    if node.config.tls is not None:
        try:
            ends["tls"] = round(days_left(tls_end_ms(node.config.tls), now_ms), 1)
        except (ValueError, OSError):
            ends["tls"] = None
    return ends


async def vouch(node: Node, uses: int, hours: int) -> dict[str, Any]:
    """A code with which newcomers make accounts at this node, for a while; kept as its SHA-256 alone."""
    token = secrets.token_urlsafe(9)
    uses = max(1, min(uses, limits.VOUCHES_MAX))
    expires_ts = node.now_ms() + max(1, min(hours, limits.VOUCH_HOURS_MAX)) * HOUR_MS
    value = {"uses_allowed": uses, "expires_ts": expires_ts}
    own = node.log.key.node.hex()
    key = token_key(token)
    stamp = registers.stamp_after(node.context, node.now_ms(), HUB_TOKEN, "", own, key)
    await node.write(drafts.register(HUB_TOKEN, "", own, key, value, next_stamp(stamp)))
    return {"token": token, "uses": uses, "expires_ts": expires_ts}
