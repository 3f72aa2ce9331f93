"""What a batch of records changed: whom to wake, and what to push."""

from dataclasses import dataclass, field

from bongsu.view.events import EventRow


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A user's membership of a room went from `before` to `after`."""

    room: int
    user_id: str
    before: str
    after: str


@dataclass(slots=True)
class Changes:
    """Filled by `apply`, read by the node after the batch has committed."""

    events: list[EventRow] = field(default_factory=list)
    members: list[MemberChange] = field(default_factory=list)
    rooms: set[int] = field(default_factory=set)  # rooms whose joined members have something new
    merged: set[int] = field(default_factory=set)  # rooms whose state was resolved from several heads
    read: set[int] = field(default_factory=set)  # rooms in which others may see that somebody has read on
    users: set[str] = field(default_factory=set)  # users who have something new of their own
    ended_sessions: set[str] = field(default_factory=set)
    stale: set[str] = field(default_factory=set)  # events whose serialised form has changed
    media: set[str] = field(default_factory=set)  # media ids that were given out or got their bytes
    media_gone: set[bytes] = field(default_factory=set)  # hashes of files that no id stands for any more
    key_counts: set[tuple[str, str]] = field(default_factory=set)  # devices whose one-time keys changed
    alerts: set[str] = field(default_factory=set)  # alerts that are new, or signed by one more key
    everybody: bool = False  # all who wait have something new
    deferred: bool = False  # a visitor's request arrived that waits to be carried out
    waited: bool = False  # the record being applied has waited for another
    retry: list[int] = field(default_factory=list)  # positions of records whose missing event arrived
    released: list[int] = field(default_factory=list)  # of those, what was applied again
    # Nodes whose certificate arrived, or whose residency of this user did; and up to which position.
    admitted: list[tuple[bytes, str | None]] = field(default_factory=list)
    admitted_to: dict[tuple[bytes, str | None], int] = field(default_factory=dict)
    interest: bool = False  # what hubs may have changed
    closed: bool = False  # a room was closed

    def event(self, row: EventRow) -> None:
        """A new accepted event."""
        self.events.append(row)
        self.rooms.add(row.room)

    def member(self, room: int, user_id: str, before: str, after: str) -> None:
        """A member event took effect; it may have changed only the profile."""
        self.members.append(MemberChange(room, user_id, before, after))
        self.interest = self.interest or before != after
        self.users.add(user_id)
