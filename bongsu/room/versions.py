"""The room versions this service understands, as flags the rules ask for. Spec: rooms/."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RoomVersion:
    """What differs between room versions 10, 11 and 12; everything else is common to them."""

    id: str
    creator_in_content: bool
    """10: the creator is `content.creator`; later it is the sender of the create event."""
    redacts_in_content: bool
    """11: a redaction names its target in `content.redacts`, no longer at the top level."""
    redaction_v11: bool
    """11: the redaction algorithm keeps create content, `invite`, `signed` and `redacts`."""
    event_id_room: bool
    """12: the room id is the create event's id with "!" for "$"; a create event carries no room id."""
    implicit_create_auth: bool
    """12: the create event is implied by the room id and must not be among the auth events."""
    creators_privileged: bool
    """12: creators have infinite power and may not stand in the power levels."""
    resolution_v2_1: bool
    """12: state resolution starts from the empty state and replays the conflicted state subgraph."""


VERSIONS: dict[str, RoomVersion] = {
    "10": RoomVersion(
        id="10",
        creator_in_content=True,
        redacts_in_content=False,
        redaction_v11=False,
        event_id_room=False,
        implicit_create_auth=False,
        creators_privileged=False,
        resolution_v2_1=False,
    ),
    "11": RoomVersion(
        id="11",
        creator_in_content=False,
        redacts_in_content=True,
        redaction_v11=True,
        event_id_room=False,
        implicit_create_auth=False,
        creators_privileged=False,
        resolution_v2_1=False,
    ),
    "12": RoomVersion(
        id="12",
        creator_in_content=False,
        redacts_in_content=True,
        redaction_v11=True,
        event_id_room=True,
        implicit_create_auth=True,
        creators_privileged=True,
        resolution_v2_1=True,
    ),
}

DEFAULT = "12"
