"""A room's state, set up by hand and unchecked, to try one event against."""

from typing import Any

from bongsu.ids import EventId
from bongsu.room.auth import check
from bongsu.room.build import build
from bongsu.room.event import Event
from bongsu.room.rejected import Rejected
from bongsu.room.versions import VERSIONS

SERVER = "bongsu.example"
ALICE, BOB, CAROL, DAN, ERIN, FRANK, GRACE = (
    f"@{name}:{SERVER}" for name in ("alice", "bob", "carol", "dan", "erin", "frank", "grace")
)
STRANGER = "@stranger:elsewhere.example"
PREV = EventId("$" + "p" * 43)


class Stage:
    """Alice created the room and Bob moderates it (50); Carol is in it, Dan banned, Erin invited.

    Frank has left, Grace has knocked, the stranger of another server was never here. Public.
    """

    def __init__(self, id: str, create: dict[str, Any] | None = None) -> None:
        self.version = VERSIONS[id]
        self.room_id: str | None = None if self.version.event_id_room else f"!room:{SERVER}"
        content = {"room_version": id, **(create or {})}
        if self.version.creator_in_content:
            content.setdefault("creator", ALICE)
        self.create = self.event(ALICE, "m.room.create", content, "", prev_events=())
        self.room_id = self.create.room_id
        self.state = {self.create.key: self.create}
        users = {BOB: 50} if self.version.creators_privileged else {ALICE: 100, BOB: 50}
        self.put(ALICE, "m.room.power_levels", {"users": users}, "")
        self.put(ALICE, "m.room.join_rules", {"join_rule": "public"}, "")
        for user, membership in ((ALICE, "join"), (BOB, "join"), (CAROL, "join"), (DAN, "ban")):
            self.member(user, membership)
        for user, membership in ((ERIN, "invite"), (FRANK, "leave"), (GRACE, "knock")):
            self.member(user, membership)

    def event(
        self,
        sender: str,
        type: str,
        content: dict[str, Any],
        state_key: str | None = None,
        *,
        prev_events: tuple[EventId, ...] = (PREV,),
        auth_events: tuple[EventId, ...] = (),
    ) -> Event:
        return build(
            self.version,
            room_id=self.room_id,
            sender=sender,
            type=type,
            content=content,
            state_key=state_key,
            prev_events=prev_events,
            auth_events=auth_events,
            depth=5,
            origin_server_ts=1,
        )

    def put(self, sender: str, type: str, content: dict[str, Any], state_key: str) -> Event:
        """Set one entry of the state, without asking whether that may be."""
        event = self.event(sender, type, content, state_key)
        self.state[event.key] = event
        return event

    def member(self, user: str, membership: str) -> Event:
        return self.put(user, "m.room.member", {"membership": membership}, user)

    def levels(self, **content: Any) -> None:
        """Replace the power levels, Alice staying at 100 where she needs an entry."""
        users = content.pop("users", {BOB: 50})
        if not self.version.creators_privileged:
            users = {ALICE: 100, **users}
        self.put(ALICE, "m.room.power_levels", {"users": users, **content}, "")

    def join_rule(self, join_rule: Any) -> None:
        self.put(ALICE, "m.room.join_rules", {"join_rule": join_rule}, "")

    def rule_against(self, event: Event) -> str | None:
        """The number of the rule that rejects the event, in this version's count; None if it may stand."""
        try:
            check(event, self.version, self.state)
        except Rejected as rejected:
            return rejected.rule
        return None
