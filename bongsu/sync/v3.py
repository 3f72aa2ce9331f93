"""GET /sync: wait until there is something new for the user, then say it once."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from bongsu import limits
from bongsu.canonical import json_bytes
from bongsu.errors import MatrixError
from bongsu.log.record import Lane
from bongsu.log.vector import Vector
from bongsu.node import Node
from bongsu.push.ruleset import shown
from bongsu.sync.encryption import device_lists, key_counts, messages
from bongsu.sync.late import late
from bongsu.sync.presence import note_sync, presence_events
from bongsu.sync.request import SyncRequest
from bongsu.sync.rooms import rooms
from bongsu.sync.token import (
    GIVEN_BYTES_MAX,
    GIVEN_ID_BYTES,
    NO_START,
    Since,
    Token,
    but_waiting,
    decode,
)
from bongsu.sync.tower import tower_sections
from bongsu.view import registers


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON of an answer. `is_behind`: it says nothing new, because linked nodes hold what the token tells
    of and this node has not; the client may find more at another site."""

    body: bytes
    is_behind: bool = False


async def sync(node: Node, request: SyncRequest, since_text: str | None) -> Answer:
    """What is new. Waits up to the request's time-out while there is nothing.

    Raises:
        MatrixError: 400 M_INVALID_PARAM for a token nobody made.
    """
    token = None if since_text is None else decode(since_text)
    if token is None:
        node.lazy_members.forget(request.session)
    note_sync(node, request)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + request.timeout_s
    if token is not None:
        if not await _catch_up(node, token, request):
            return _nothing(node, request, since_text)
        await _confirm(node, request, token)
    counts = key_counts(node, request.user_id, request.device_id)
    since = None if token is None else _since(node, request, token)
    while True:
        at_once = since is None or request.full_state or node.stopping
        answer: dict[str, Any] = {}
        last: int | None = None
        ids: tuple[bytes, ...] = ()
        if at_once or since is None or not _at_end(node, since):
            answer, last, ids = build(node, request, since)
        now = key_counts(node, request.user_id, request.device_id)
        left_s = deadline - loop.time()
        if at_once or answer or now != counts or left_s <= 0:
            batch = next_batch(node, token, last, ids)
            _note_came(node, request, token, batch)
            before = None if token is None or _is_shortcut(node, token) else token
            told_late = late(node, request.user_id, before, batch)
            if told_late:
                batch = replace(batch, late=told_late)
            answer["next_batch"] = _encoded(node, batch)
            answer["device_one_time_keys_count"], answer["device_unused_fallback_key_types"] = now
            return Answer(json_bytes(answer))
        await node.wake.wait(request.user_id, left_s)
        if token is not None:
            # What has arrived meanwhile the client may have seen elsewhere, or it waited here.
            since = _since(node, request, token)


def _nothing(node: Node, request: SyncRequest, since_text: str | None) -> Answer:
    counts, fallbacks = key_counts(node, request.user_id, request.device_id)
    answer = {
        "next_batch": since_text,
        "device_one_time_keys_count": counts,
        "device_unused_fallback_key_types": fallbacks,
    }
    return Answer(json_bytes(answer), is_behind=True)


async def _confirm(node: Node, request: SyncRequest, token: Token) -> None:
    """The device has what its token covers; now and then that is worth a record."""
    device = (request.user_id, request.device_id)
    draft = node.delivered.confirmed(device, read(node, token).position, token.vector)
    if draft is not None:
        # A full disk keeps delivered messages longer, and nobody is kept waiting for that.
        with suppress(MatrixError):
            await node.write(draft)


async def _catch_up(node: Node, token: Token, request: SyncRequest) -> bool:
    """A token from the future: wait a moment for what it has seen. Whether to go on with what is held.

    Longer where other nodes have it: of two events that one request made, the client may have seen the one
    that is not here yet, and would be given the other.
    """
    loop, device = asyncio.get_running_loop(), (request.user_id, request.device_id)
    began = loop.time()
    deadline = began + limits.FUTURE_TOKEN_WAIT_S
    while not _held(node, token):
        if loop.time() >= deadline:
            if not await node.behind.held_elsewhere(token.vector):
                break
            if deadline > began + limits.FUTURE_TOKEN_WAIT_S:
                # A hub may lack weeks, and shows what is written now before them (decisions/backlogs.md).
                return node.config.role == "hub" or not node.behind.waits(device)
            deadline = began + limits.FUTURE_TOKEN_HELD_WAIT_S
        await node.wake.wait(request.user_id, max(0.0, deadline - loop.time()))
    node.behind.over(device)
    return True


def _held(node: Node, token: Token) -> bool:
    """Whether all that the client has seen is here."""
    return _is_shortcut(node, token) or node.log.merged(node.vector, token.vector) == node.vector


def _is_shortcut(node: Node, token: Token) -> bool:
    """Whether this start of the node wrote the token, so that its position says all.

    All but what waited then for others, of a token of which the name of the start says so.
    """
    if token.position > node.position:
        return False
    start = node.log.start_tag
    return token.start == start or (token.start == but_waiting(start) and _waited(node, token) is not None)


def _waited(node: Node, token: Token) -> frozenset[int] | None:
    """What the token's client was not shown below its position; None: this start does not know."""
    if token.start != but_waiting(node.log.start_tag):
        return frozenset()
    return node.released.beyond(token.position)


def _since(node: Node, request: SyncRequest, token: Token) -> Since:
    """What a token means here; of what has come since, without what the device had seen before it came."""
    since = read(node, token)
    came = node.came.get((request.user_id, request.device_id)) if _is_shortcut(node, token) else None
    if came is None:
        return since
    seen = read(node, decode(came))
    later = range(since.position + 1, node.position + 1) if since.unseen is None else since.unseen
    unseen = frozenset(position for position in later if not seen.covers(position))
    if not unseen:
        return Since(node.position, since.live, given=token.given)
    return Since(min(unseen) - 1, since.live, unseen, token.given)


def _note_came(node: Node, request: SyncRequest, token: Token | None, batch: Token) -> None:
    """Keep the token with which a device came, for as long as bodies are to come."""
    device = (request.user_id, request.device_id)
    if token is None or not (node.unfilled or node.holds_back):
        node.came.drop(device)
    elif batch.start != NO_START and not _is_shortcut(node, token):
        node.came.put(device, token.encode())


def read(node: Node, token: Token) -> Since:
    """What a token means here: by the shortcut if this node's store wrote it, else by the vector."""
    live = token.live if token.start in (start := node.log.start_tag, but_waiting(start)) else 0
    if _is_shortcut(node, token):
        if waited := _waited(node, token):
            unseen = waited.union(range(token.position + 1, node.position + 1))
            return Since(min(unseen) - 1, live, unseen, token.given)
        return Since(token.position, live, given=token.given)
    if token.start != NO_START and node.log.shortcut_valid(token.start, token.position):
        return Since(min(token.position, node.position), live, given=token.given)
    beyond = node.log.positions_beyond(token.vector)
    for each in token.late:
        beyond += node.log.positions_beyond(each.vector, each.scopes or None)
    unseen = frozenset(position for position in beyond if position <= node.position)
    if not unseen:
        return Since(node.position, live, given=token.given)
    return Since(min(unseen) - 1, live, unseen, token.given)


def next_batch(node: Node, token: Token | None, last: int | None = None, ids: Sequence[bytes] = ()) -> Token:
    """The token of an answer that covers all that is applied here. No entry of `token` is ever lowered.

    `ids`: of the messages to the device in the answer.
    `last`: messages to the device wait behind this position. They alone come in the bulk lane, so the
    vector stops there in that lane and says all of the others (docs/decisions/to-device-limit.md).
    """
    given = b""
    if node.config.has_several_sites:
        before = b"" if token is None else token.given
        given = (before + b"".join(each[:GIVEN_ID_BYTES] for each in ids))[-GIVEN_BYTES_MAX:]
    came = token is not None and not _is_shortcut(node, token)  # from elsewhere, or from before a start
    known = token.vector if token is not None and came else Vector.empty()
    if last is not None:
        vector = node.shown(node.log.vector_at(last, Lane.BULK, node.position))
        return Token(NO_START, 0, node.live.count, node.log.merged(vector, known), given)
    merged = node.log.merged(node.vector, known)
    if merged == node.vector and not (came and node.holds_back and not node.unfilled):
        # Events that wait here keep their place in the order of arrival, where the position would pass over
        # them. The vector alone would tell, at every sync, what was shown before a body that came late.
        start = but_waiting(node.log.start_tag) if node.holds_back else node.log.start_tag
        return Token(start, node.position, node.live.count, node.vector, given)
    # The client has seen records this node lacks, or what waits here: the shortcut would deliver them again.
    return Token(NO_START, 0, node.live.count, merged, given)


def _at_end(node: Node, since: Since) -> bool:
    """Whether the token covers all there is: most polls begin so, and nothing need be looked up for them."""
    return since.position == node.position and since.live == node.live.count and not since.unseen


def _encoded(node: Node, token: Token) -> str:
    if token.given or token.late:
        return token.encode()  # nobody else has the same
    return node.shared.token((token.start, token.position, token.live), token.vector, token.encode)


def build(
    node: Node, request: SyncRequest, since: Since | None
) -> tuple[dict[str, Any], int | None, tuple[bytes, ...]]:
    """The answer without its token ({}: nothing new), where messages to the device stop, and their ids."""
    answer: dict[str, Any] = {}
    found = rooms(node, request, since).fields()
    if found:
        answer["rooms"] = found
    presence = presence_events(node, request, since)
    if presence:
        answer["presence"] = {"events": presence}
    account_data = _account_data(node, request, since)
    if account_data:
        answer["account_data"] = {"events": account_data}
    given = messages(node, request, since)
    if given.events:
        answer["to_device"] = {"events": given.events}
    lists = {} if since is None else device_lists(node, request.user_id, since)
    if lists:
        answer["device_lists"] = lists
    answer.update(tower_sections(node, request.user_id, since))
    return answer, given.last, given.ids


def _account_data(node: Node, request: SyncRequest, since: Since | None) -> list[dict[str, Any]]:
    found = registers.since(
        node.context, "account_data", request.user_id, "", 0 if since is None else since.position
    )
    contents = dict(found)
    if since is None or "m.push_rules" in contents:
        # Everybody has push rules; only what a user has changed is stored.
        contents["m.push_rules"] = shown(contents.get("m.push_rules"), request.user_id)
    return [
        {"type": kind, "content": {} if content is None else content}
        for kind, content in contents.items()
        if request.filter.account_data.passes(kind, None) and (since is not None or content is not None)
    ]
