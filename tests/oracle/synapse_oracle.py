"""Answers questions with Synapse, one JSON line each. Run by the Python of `.venv-synapse`, never by ours."""

import asyncio
import hashlib
import json
import sys
from typing import Any

from canonicaljson import encode_canonical_json
from synapse import event_auth
from synapse.api.errors import SynapseError
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.crypto.event_signing import compute_content_hash
from synapse.events import make_event_from_dict
from synapse.state import v2
from synapse.storage.databases.main.event_federation import StateDifference
from synapse.synapse_rust.events import redact_event_dict


class Clock:
    async def sleep(self, _duration: Any) -> None:
        return None


class Store:
    """The events of one room. Chains are computed here, literally, as a database would."""

    def __init__(self, events: dict[str, Any]) -> None:
        self.events = events

    async def get_events(self, event_ids: Any, *_args: Any, allow_rejected: bool = False, **_kw: Any) -> Any:
        found = (self.events[event_id] for event_id in event_ids if event_id in self.events)
        return {event.event_id: event for event in found if allow_rejected or not event.rejected_reason}

    async def get_auth_chain_difference(
        self, _room_id: str, state_sets: Any, conflicted_state: Any, additional: Any
    ) -> StateDifference:
        chains = [set(state) | self.chain(state) for state in state_sets]
        difference = set().union(*chains) - set.intersection(*chains)
        if conflicted_state is None:
            return StateDifference(auth_difference=difference, conflicted_subgraph=None)
        ends = set(conflicted_state) | set(additional or ())
        below = ends | self.chain(ends)
        subgraph = {event for event in below if ends & ({event} | self.chain([event]))}
        return StateDifference(auth_difference=difference, conflicted_subgraph=subgraph)

    def chain(self, start: Any) -> set[str]:
        seen: set[str] = set()
        waiting = [auth for event_id in start for auth in self.events[event_id].auth_event_ids()]
        while waiting:
            event_id = waiting.pop()
            if event_id not in seen:
                seen.add(event_id)
                waiting += self.events[event_id].auth_event_ids()
        return seen


def event_of(pdu: dict[str, Any], version: str, rejected: bool = False) -> Any:
    reason = "rejected" if rejected else None
    pdu = {"signatures": {}, "unsigned": {}, **pdu}
    return make_event_from_dict(pdu, KNOWN_ROOM_VERSIONS[version], rejected_reason=reason)


def identify(question: dict[str, Any]) -> Any:
    pdu = question["pdu"]
    event = event_of(pdu, question["version"])
    content_hash = compute_content_hash({**pdu, "unsigned": {}}, hashlib.sha256)[1].hex()
    redacted = redact_event_dict(KNOWN_ROOM_VERSIONS[question["version"]], {**pdu, "unsigned": {}})
    return {"event_id": event.event_id, "content_hash": content_hash, "redacted": redacted}


def authorize(question: dict[str, Any]) -> Any:
    version = question["version"]
    event = event_of(question["event"], version)
    state = [event_of(pdu, version) for pdu in question["state"]]
    try:
        event_auth.check_state_dependent_auth_rules(event, state)
    except SynapseError as error:
        return {"allowed": False, "why": str(error)}
    return {"allowed": True}


async def authorize_auth_events(question: dict[str, Any]) -> Any:
    version = question["version"]
    event = event_of(question["event"], version)
    rejected = set(question["rejected"])
    events: dict[str, Any] = {}
    for pdu in question["auth_events"]:
        auth_event = event_of(pdu, version)
        if auth_event.event_id in rejected:
            auth_event = event_of(pdu, version, rejected=True)
        events[auth_event.event_id] = auth_event
    try:
        await event_auth.check_state_independent_auth_rules(Store(events), event)
    except (SynapseError, RuntimeError) as error:
        return {"allowed": False, "why": str(error)}
    return {"allowed": True}


def auth_types(question: dict[str, Any]) -> Any:
    version = KNOWN_ROOM_VERSIONS[question["version"]]
    event = event_of(question["event"], question["version"])
    return sorted(list(key) for key in event_auth.auth_types_for_event(version, event))


async def resolve(question: dict[str, Any]) -> Any:
    version = question["version"]
    rejected = set(question["rejected"])
    events = {}
    for event_id, pdu in question["events"].items():
        events[event_id] = event_of(pdu, version, rejected=event_id in rejected)
        assert events[event_id].event_id == event_id, "both sides name the event alike"
    answers = []
    for states in question["merges"]:
        state_sets = [{(type, key): event_id for type, key, event_id in state} for state in states]
        resolved = await v2.resolve_events_with_store(
            Clock(),
            question["room_id"],
            KNOWN_ROOM_VERSIONS[version],
            state_sets,
            None,
            Store(events),
        )
        answers.append(sorted([type, key, event_id] for (type, key), event_id in resolved.items()))
    return answers


def answer(question: dict[str, Any]) -> Any:
    match question["ask"]:
        case "identify":
            return identify(question)
        case "canonical":
            return encode_canonical_json(question["value"]).decode()
        case "authorize":
            return authorize(question)
        case "authorize_auth_events":
            return asyncio.run(authorize_auth_events(question))
        case "auth_types":
            return auth_types(question)
        case "resolve":
            return asyncio.run(resolve(question))
    raise ValueError(question["ask"])


def answer_or_fault(line: str) -> Any:
    """An exception is an answer too: Synapse refuses some malformed events that way."""
    try:
        return answer(json.loads(line))
    except Exception as fault:
        return {"fault": repr(fault)}


for line in sys.stdin:
    print(json.dumps(answer_or_fault(line)), flush=True)
