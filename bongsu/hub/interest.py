"""Which scopes a hub may have, by the giver's own view: a hub can never ask for more. DESIGN 7.

Its residents' own, rooms they are or were in, the public data of who is there, relief rooms, the staff's."""

from dataclasses import dataclass

from bongsu.authority import CORE, Certificate
from bongsu.hub.fill import digest
from bongsu.log.record import SERVICE, private_scope, public_scope, room_scope, scope_id
from bongsu.view.context import Context
from bongsu.view.tower_desk import staff_room

_OPEN_RELIEF = "SELECT room FROM relief_rooms JOIN open_rooms USING(room)"


@dataclass(frozen=True, slots=True)
class Interest:
    """A set of scopes and its name."""

    scopes: frozenset[bytes]
    digest: bytes


def interest_of(context: Context, node: bytes) -> Interest | None:
    """What a node may have; None: everything, it is a core node. Of a node nobody vouched for: the least."""
    certificate = context.authorities.certificate(node)
    if certificate is not None and certificate.role == CORE:
        return None
    scopes = {SERVICE}
    if certificate is not None and node not in context.authorities.revocations():
        scopes |= _of_hub(context, certificate)
    return Interest(frozenset(scopes), digest(scopes))


def _of_hub(context: Context, certificate: Certificate) -> set[bytes]:
    residents = context.residencies.residents(certificate)
    rooms: set[int] = {room for (room,) in context.db.all(_OPEN_RELIEF)}
    # The staff's room, whoever is in it: when all else is away, staff of any site can write at any hub.
    named = staff_room(context)
    room = None if named is None else context.events.room_number(named)
    rooms.update(() if room is None else (room,))
    for user_id in residents:
        # Also of rooms they left: a hub that never hears of a ban would let them go on.
        found = context.db.all("SELECT room FROM members WHERE user_id=?", (user_id,))
        rooms.update(room for (room,) in found)
    people = set(residents)
    for room in rooms:
        found = context.db.all(
            "SELECT user_id FROM members WHERE room=? AND membership IN ('join', 'invite', 'knock')", (room,)
        )
        people.update(user_id for (user_id,) in found)
    scopes = {scope_id(private_scope(user_id)) for user_id in residents}
    scopes.update(scope_id(public_scope(user_id)) for user_id in people)
    scopes.update(scope_id(room_scope(context.events.room_id(room))) for room in rooms)
    return scopes


def rooms_known(context: Context) -> set[bytes]:
    """The scopes of all rooms that the view knows."""
    return {scope_id(room_scope(room_id)) for (room_id,) in context.db.all("SELECT room_id FROM rooms")}


class Interests:
    """Interests as they were last looked at; `refresh` says that they may be others now."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[bytes, Interest | None] = {}

    def of(self, node: bytes) -> Interest | None:
        """What a node may have; None: everything."""
        if node not in self._known:
            self._known[node] = interest_of(self._context, node)
        return self._known[node]

    def allows(self, node: bytes, scope: bytes) -> bool:
        """Whether a node may have the bodies of a scope."""
        interest = self.of(node)
        return interest is None or scope in interest.scopes

    def refresh(self) -> None:
        """Memberships, residencies or certificates have changed."""
        self._known.clear()
