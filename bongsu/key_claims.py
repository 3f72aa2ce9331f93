"""Handing out one-time keys: each once, by the node it was given to, else the fallback key. DESIGN 5.3."""

from contextlib import suppress
from typing import Any

from bongsu import drafts
from bongsu.bearer.link import Link
from bongsu.canonical import json_bytes, read_json, read_trusted
from bongsu.clock import next_stamp
from bongsu.errors import MatrixError
from bongsu.log.record import Draft, public_scope, scope_id
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.view import keys, registers

TOPIC = "one_time_key"

# user id, device id, algorithm
Wanted = tuple[str, str, str]
Key = dict[str, Any]


class KeyClaims:
    """A claim is on disk before its answer: a key that is given twice makes messages unreadable."""

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node = node
        self._peers = peers
        # Keys chosen for somebody whose claim is not applied yet: (user, device, algorithm, key id, digest).
        self._taken: set[tuple[str, str, str, str, str]] = set()
        peers.calls.answers[TOPIC] = self._asked

    async def claim(self, wanted: list[Wanted]) -> dict[str, dict[str, Key]]:
        """A key for each device that has one, by user and device."""
        given = await self._claim_here(wanted)
        for user_id, device_id, algorithm in wanted:
            if (user_id, device_id, algorithm) in given or not self._has_device(user_id, device_id):
                continue
            found = await self._ask((user_id, device_id, algorithm))
            if found is not None:
                given[user_id, device_id, algorithm] = found
        rest = [each for each in wanted if each not in given and self._has_device(each[0], each[1])]
        given.update(await self._fallbacks(rest))
        answer: dict[str, dict[str, Key]] = {}
        for (user_id, device_id, _), key in given.items():
            answer.setdefault(user_id, {})[device_id] = key
        return answer

    def _has_device(self, user_id: str, device_id: str) -> bool:
        return keys.device_exists(self._node.context, user_id, device_id)

    async def _claim_here(self, wanted: list[Wanted]) -> dict[Wanted, Key]:
        """Keys that this node may hand out: none until a peer confirms that it knows its own claims."""
        if not self._node.confirmed:
            return {}
        given: dict[Wanted, Key] = {}
        written: list[Draft] = []
        taken: list[tuple[str, str, str, str, str]] = []
        try:
            for each in wanted:
                found = self._choose(each, written, taken) if self._has_device(each[0], each[1]) else None
                if found is not None:
                    given[each] = found
            if written:
                await self._node.write(*written)
        finally:
            # From here on the record speaks; or there is none, and nobody was told of the key.
            self._taken.difference_update(taken)
        return given

    def _choose(
        self, wanted: Wanted, written: list[Draft], taken: list[tuple[str, str, str, str, str]]
    ) -> Key | None:
        user_id, device_id, algorithm = wanted
        context = self._node.context
        limit = 1 + len(self._taken)
        for key_id, digest, value, stamp in keys.one_time_keys_left(
            context, user_id, device_id, algorithm, limit
        ):
            chosen = (user_id, device_id, algorithm, key_id, digest)
            if chosen not in self._taken:
                self._taken.add(chosen)
                taken.append(chosen)
                stamp = keys.key_stamp(context, self._node.now_ms(), user_id, device_id, stamp)
                name = f"{algorithm}:{key_id}"
                written.append(drafts.key_claim(user_id, device_id, name, digest, stamp))
                return {name: read_trusted(value)}
        return None

    async def _ask(self, wanted: Wanted) -> Key | None:
        """Ask the nodes whose share it may be."""
        if not keys.any_left(self._node.context, *wanted):
            return None
        for link in list(self._peers.links.values()):
            raw = await link.ask(TOPIC, json_bytes(list(wanted)))
            with suppress(MatrixError):
                found = read_json(raw or b"")
                if isinstance(found, dict) and found:
                    return found
        return None

    async def _asked(self, link: Link, body: bytes) -> bytes | None:
        try:
            wanted = read_json(body)
        except MatrixError:
            return None
        if not isinstance(wanted, list) or len(wanted) != 3 or not all(isinstance(x, str) for x in wanted):
            return None
        user_id, device_id, algorithm = wanted
        if not self._peers.gives(link, scope_id(public_scope(user_id))):
            return None  # a hub that meets nobody of theirs could use all their keys up
        try:
            given = await self._claim_here([(user_id, device_id, algorithm)])
        except MatrixError:
            return None
        return json_bytes(next(iter(given.values()), {}))

    async def _fallbacks(self, wanted: list[Wanted]) -> dict[Wanted, Key]:
        context = self._node.context
        given: dict[Wanted, Key] = {}
        written: list[Draft] = []
        for user_id, device_id, algorithm in wanted:
            kept = registers.get(context, "fallback_key", user_id, device_id, algorithm)
            if kept is None:
                continue
            given[user_id, device_id, algorithm] = {f"{algorithm}:{kept['key_id']}": kept["key"]}
            family, digest = "fallback_used", keys.key_digest(kept["key"])
            if registers.get(context, family, user_id, device_id, algorithm) != digest:
                now_ms = self._node.now_ms()
                stamp = registers.stamp_after(context, now_ms, family, user_id, device_id, algorithm)
                stamp = next_stamp(stamp, keys.device_floor(context, user_id, device_id))
                written.append(
                    drafts.register(family, user_id, device_id, algorithm, digest, stamp, public=True)
                )
        if written:
            await self._node.write(*written)
        return given
