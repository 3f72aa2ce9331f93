"""Types of identifiers, and how they are parsed. Spec: Appendices § Identifier Grammar."""

from typing import NewType

UserId = NewType("UserId", str)
RoomId = NewType("RoomId", str)
EventId = NewType("EventId", str)
DeviceId = NewType("DeviceId", str)
