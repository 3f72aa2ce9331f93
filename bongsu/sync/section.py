"""What a joined room has to say beyond a token. Members who come from the same place with the same filter are
told alike, so it is read and serialised once for all of them (docs/decisions/shared-sections.md)."""

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from bongsu.canonical import json_bytes
from bongsu.node import Node
from bongsu.room.state import StateMap
from bongsu.sync.request import SyncRequest
from bongsu.sync.state import state_changes
from bongsu.sync.timeline import Timeline, timeline
from bongsu.sync.token import Since
from bongsu.view.memberships import Member
from bongsu.view.visibility import always_shared


@dataclass(frozen=True, slots=True)
class Section:
    """A timeline, and what changed of the state (None: there is no token to count from).

    `raw`: the timeline's JSON where it is shared, by all but `senders`. `members`: whether it holds member
    events.
    """

    found: Timeline
    changes: StateMap | None
    senders: frozenset[str]
    members: bool
    raw: msgspec.Raw | None = None

    def timeline(self, node: Node, request: SyncRequest) -> Any:
        """The `timeline` object. A sender's own holds their transaction ids, so it is nobody else's."""
        if self.raw is None or request.user_id in self.senders:
            return self.found.fields(node, request)
        return self.raw


def joined_section(
    node: Node, request: SyncRequest, since: Since | None, member: Member, room_id: str
) -> Section:
    """The section of a room the user is in; `since` None: they have seen nothing of it."""
    if since is None or since.unseen is not None or not always_shared(node.context, member.room):
        return _section(node, request, since, member, room_id)

    def make() -> tuple[Section, int]:
        section = _section(node, request, since, member, room_id)
        raw = json_bytes(section.found.fields(node, None))
        # Who took part in a thread is told so, and their section is nobody else's either.
        own = section.senders | node.client_events.took_part(section.found.rows)
        return replace(section, senders=own, raw=msgspec.Raw(raw)), len(raw)

    # The limit, the types and senders wanted, and whether the state is meant after or before the timeline.
    key = ("section", member.room, since.position, request.filter.timeline, request.use_state_after)
    return node.shared.get(node.position, node.now_ms(), key, make)


def _section(node: Node, request: SyncRequest, since: Since | None, member: Member, room_id: str) -> Section:
    found = timeline(node, request, since, member, room_id, None)
    changes = None
    if since is not None:
        changes = state_changes(node, member, since, found, after=request.use_state_after)
    return Section(
        found,
        changes,
        frozenset(row.sender for row in found.rows),
        any(row.type == "m.room.member" for row in found.rows),
    )
