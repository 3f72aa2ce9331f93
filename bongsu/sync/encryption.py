"""What end-to-end encryption adds to /sync: messages to the device, changed device lists, counts of keys."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bongsu import limits
from bongsu.node import Node
from bongsu.sync.request import SyncRequest
from bongsu.sync.token import GIVEN_ID_BYTES, Since
from bongsu.view import keys, members, to_device

# Above this many users it is cheaper to look at everybody the user shares a room with at once.
_ONE_BY_ONE_MAX = 50


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages to the device. `last`: the position of the last one when more wait, else None."""

    events: list[dict[str, Any]]
    last: int | None
    ids: tuple[bytes, ...] = ()


def messages(node: Node, request: SyncRequest, since: Since | None) -> Messages:
    """The oldest messages the device has not confirmed."""
    floor = 0 if since is None else since.position
    more = limits.TO_DEVICE_MESSAGES_MAX + 1
    positions: list[int] = []
    while len(positions) < more:
        found = to_device.queued(node.context, request.user_id, request.device_id, floor, more)
        if not found:
            break
        positions += found if since is None else _not_given(node, found, since)
        if len(found) < more:
            break
        floor = found[-1]
    if not positions:
        return Messages([], None)
    given = positions[: limits.TO_DEVICE_MESSAGES_MAX]
    last = given[-1] if len(positions) > len(given) else None
    node.delivered.gave((request.user_id, request.device_id), len(given))
    ids = to_device.ids(node.context, given) if node.config.has_several_sites else {}
    # Given elsewhere, in a record that has not come here yet.
    known = set() if since is None else set(_pieces(since.given))
    new = [each for each in given if ids.get(each, b"")[:GIVEN_ID_BYTES] not in known]
    events = to_device.messages(node.context, new)
    return Messages(events, last, tuple(ids[each] for each in new if each in ids))


def _pieces(given: bytes) -> Iterator[bytes]:
    for at in range(0, len(given), GIVEN_ID_BYTES):
        yield given[at : at + GIVEN_ID_BYTES]


def _not_given(node: Node, positions: list[int], since: Since) -> list[int]:
    """Those that the device was not given, here or as a copy at another site."""
    copied = {position for position, copy in to_device.copies(node.context, positions) if since.covers(copy)}
    return [position for position in positions if position not in copied and not since.covers(position)]


def key_counts(node: Node, user_id: str, device_id: str) -> tuple[dict[str, int], list[str]]:
    """(unclaimed one-time keys by algorithm, algorithms of unused fallback keys), from memory mostly."""
    found = node.key_counts.get((user_id, device_id))
    if found is None:
        found = (
            keys.one_time_key_counts(node.context, user_id, device_id),
            keys.unused_fallback_types(node.context, user_id, device_id),
        )
        node.key_counts.put((user_id, device_id), found)
    return found


def device_lists(node: Node, user_id: str, since: Since) -> dict[str, list[str]]:
    """Users whose keys to look up anew, and users no longer met anywhere; {} if there are none."""
    changed = {
        owner
        for owner, position in keys.key_changes(node.context, user_id, since.position)
        if not since.covers(position)
    }
    met, gone = _membership_changes(node, user_id, since)
    if not changed and not met and not gone:
        return {}
    sharing = _sharing(node, user_id, changed | met | gone)
    listed = {owner for owner in changed if owner == user_id or owner in sharing}
    listed |= {other for other in met if _is_new(sharing.get(other), since)}
    left = {other for other in gone if other not in sharing and other != user_id}
    named = {"changed": sorted(listed), "left": sorted(left)}
    return named if listed or left else {}


def _membership_changes(node: Node, user_id: str, since: Since) -> tuple[set[str], set[str]]:
    """(who may be newly met, who may be gone) by the memberships that changed."""
    changes = [
        change
        for change in members.changed_since(node.context, since.position)
        if not since.covers(change.changed)
    ]
    if not changes:
        return set(), set()
    mine = {member.room: member for member in members.rooms_of(node.context, user_id)}
    met: set[str] = set()
    gone: set[str] = set()
    for change in changes:
        own = mine.get(change.room)
        if own is None or not own.joined:
            continue
        here = own.membership == "join"
        if change.user_id == user_id:
            everybody = members.joined_members(node.context, change.room)
            if not here:
                gone |= everybody
            elif not since.covers(own.joined):
                met |= everybody
        elif change.membership == "join" and here and not since.covers(change.joined):
            met.add(change.user_id)
        elif change.membership != "join" and change.joined and (here or not since.covers(own.changed)):
            gone.add(change.user_id)
    met.discard(user_id)
    return met, gone


def _sharing(node: Node, user_id: str, others: Iterable[str]) -> dict[str, int]:
    """Those of `others` who share a room, with the position since which they do without a break."""
    others = set(others)
    if len(others) > _ONE_BY_ONE_MAX:
        return members.shared_since(node.context, user_id, None)
    found: dict[str, int] = {}
    for other in others:
        found |= members.shared_since(node.context, user_id, other)
    return found


def _is_new(shared_since: int | None, since: Since) -> bool:
    return shared_since is not None and not since.covers(shared_since)
