"""Whose rooms a hub keeps: told by core nodes, in a record for each user and hub. DESIGN 5.2, 7."""

from bongsu import drafts
from bongsu.authority import CORE, HUB, Certificate
from bongsu.clock import next_stamp
from bongsu.errors import MatrixError, forbidden, not_found
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.view import users

NOT_HERE = (
    "This is a hub, which cannot say whose rooms hubs keep. Ask again while a data centre of the service can "
    "be reached."
)

NO_ALIAS = (
    "This is a hub, which gives no aliases and lists no rooms. Do it once a data centre of the service can "
    "be reached; people can be invited here."
)


# Marks refusals that another site would not make: a client may leave a deferred message here instead.
NOT_A_RESIDENT = "kr.bongsu.not_a_resident"
_MARK: dict[str, bool] = {NOT_A_RESIDENT: True}
# The same where a client sees it without reading the answer, so that it goes on to its own hub.
_HEADERS = (("x-bongsu-not-a-resident", "true"),)


def hub_at(node: Node, site: str) -> Certificate:
    """The hub at a site: of several that stood there, the one that was let in last.

    Raises:
        MatrixError: 404, there is none.
    """
    authorities = node.context.authorities
    gone = authorities.revocations()
    found = [
        each
        for each in authorities.certificates()
        if each.role == HUB and each.site == site and each.node not in gone
    ]
    if not found:
        raise not_found(f"There is no hub called {site}. GET /_bongsu/client/v1/sites lists them.")
    return max(found, key=lambda each: (each.issued_ms, each.node))


def check_core(node: Node, sentence: str = NOT_HERE) -> None:
    """Refuse where this node has no say in it.

    Raises:
        MatrixError: 403, it is a hub.
    """
    mine = node.certificate_of(node.log.key.node)
    if mine is None or mine.role != CORE:
        raise forbidden(sentence)


def added(node: Node, user_id: str, site: str) -> list[Draft]:
    """The record that makes a user a resident; none if the user is one.

    Raises:
        MatrixError: 403, 404: this node is a hub, or there is no such hub or user.
    """
    check_core(node)
    if users.user(node.context, user_id) is None:
        raise not_found(f"There is no user {user_id}.")
    hub = hub_at(node, site)
    if node.context.residencies.of(hub, user_id).lasts:
        return []
    return [drafts.residency(user_id, hub.node.hex(), _stamp(node, hub, user_id))]


def removed(node: Node, user_id: str, site: str) -> list[Draft]:
    """The record that ends it: what this node holds of the hub by now counts, and nothing after it.

    Raises:
        MatrixError: 403, 404: this node is a hub, or the user is no resident there.
    """
    check_core(node)
    hub = hub_at(node, site)
    if not node.context.residencies.of(hub, user_id).lasts:
        raise not_found(f"{user_id} is no resident of {site}.")
    ends: list[list[int | str]] = [
        [f"{log.epoch:016x}", int(log.lane), seq] for log, seq in node.log.held_of(hub.node)
    ]
    return [drafts.residency(user_id, hub.node.hex(), _stamp(node, hub, user_id), ends)]


def listed(node: Node, site: str) -> list[str]:
    """The residents of a hub.

    Raises:
        MatrixError: 404, there is no such hub.
    """
    return node.context.residencies.residents(hub_at(node, site))


def hubs_of(node: Node, user_id: str) -> list[str]:
    """The sites of the hubs that keep a user's rooms."""
    return sorted({each.site for each in _hubs(node, user_id)})


def hub_nodes(node: Node, user_id: str) -> list[bytes]:
    """The same, by node."""
    return [each.node for each in _hubs(node, user_id)]


def _hubs(node: Node, user_id: str) -> list[Certificate]:
    authorities = node.context.authorities
    gone = authorities.revocations()
    return [
        each
        for each in authorities.certificates()
        if each.role == HUB and each.node not in gone and node.context.residencies.of(each, user_id).lasts
    ]


def check_resident(node: Node, user_id: str) -> None:
    """Refuse whom this hub does not know; on a core node everybody is at home.

    Raises:
        MatrixError: 403 M_FORBIDDEN.
    """
    mine = node.certificate_of(node.log.key.node)
    if mine is None or mine.role == CORE or node.context.residencies.of(mine, user_id).lasts:
        return
    raise MatrixError(
        403,
        "M_FORBIDDEN",
        f"{user_id} is not a resident of this hub ({mine.site}), which keeps its residents' rooms only. "
        "Use your own hub or the service's address, or make an account here.",
        headers=_HEADERS,
        **_MARK,
    )


def _stamp(node: Node, hub: Certificate, user_id: str) -> int:
    return next_stamp(node.now_ms(), node.context.residencies.stamp(hub.node, user_id))


def refused_token(node: Node) -> MatrixError | None:
    """What to say to a token that a hub does not know: it may be good elsewhere, so it is not called invalid.

    Told M_UNKNOWN_TOKEN, clients log out and throw their keys away.
    """
    mine = node.certificate_of(node.log.key.node)
    if mine is None or mine.role == CORE:
        return None
    return MatrixError(
        403,
        "M_FORBIDDEN",
        f"This hub ({mine.site}) does not know your session: you are not one of its residents, or logged in "
        "at another place while it was cut off. Use the service's address, or log in here.",
        headers=_HEADERS,
        **_MARK,
    )
