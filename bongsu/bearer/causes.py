"""What a bundle's room events follow: none is taken before it, or readers would see it too late. Pure."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import msgspec

from bongsu.bearer.bundle import Bundle
from bongsu.canonical import read_trusted
from bongsu.errors import MatrixError
from bongsu.log.record import Kind
from bongsu.room.event import reference_hash
from bongsu.room.versions import VERSIONS


class _Event(msgspec.Struct):
    prev_events: list[str] = msgspec.field(default_factory=list)


class _Body(msgspec.Struct):
    event: _Event


_DECODER = msgspec.json.Decoder(_Body)


def causes(bundle: Bundle) -> Iterator[str]:
    """The ids of events that the bundle's events name as their `prev_events`.

    Their auth events lie in the past of those. A body that is no event is judged where it is applied.
    """
    for record in bundle.records:
        if record.header.kind == Kind.EVENT and record.body is not None:
            try:
                yield from _DECODER.decode(record.body).event.prev_events
            except msgspec.DecodeError:
                continue


def event_ids(bundle: Bundle, version_of: Callable[[str], str | None]) -> set[str]:
    """The ids of the bundle's own events. `version_of` says the version of a room, None if it is unknown."""
    found: set[str] = set()
    for record in bundle.records:
        if record.header.kind != Kind.EVENT or record.body is None:
            continue
        with suppress(MatrixError, msgspec.DecodeError, KeyError, TypeError, AttributeError):
            pdu = read_trusted(record.body)["event"]
            known = version_of(pdu.get("room_id", "!"))
            # A room that is made in this very bundle: one of these is its version.
            versions = list(VERSIONS.values()) if known is None else [VERSIONS[known]]
            found |= {f"${reference_hash(pdu, version)}" for version in versions}
    return found
