"""What a drill's clients saw, against every promise that was made to them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any


@dataclass(slots=True)
class Findings:
    """Counts that must be 0, and what clients waited. Times are in seconds."""

    acknowledged: int = 0
    people: int = 0
    held_here: int = 0
    lost: list[str] = field(default_factory=list)
    # Acknowledged as held at one site alone, and gone with it: no promise, but people are to know.
    burnt: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    reordered: list[str] = field(default_factory=list)
    # Of what one site alone had: it came when that site was back, behind what its writer had said elsewhere.
    late: list[str] = field(default_factory=list)
    limited: int = 0
    moves: int = 0
    # At home where the fault was: from the last acknowledgement before it to the first after it.
    struck_s: list[float] = field(default_factory=list)
    # At home elsewhere: the longest that a message took from the fault on.
    spared_s: list[float] = field(default_factory=list)
    # Of acknowledged sends outside the fault's first seconds.
    latency_ms: list[float] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether no promise was broken."""
        return not (self.lost or self.gaps or self.duplicates or self.reordered)


def check(
    people: Sequence[Mapping[str, Any]],
    histories: Mapping[str, Mapping[str, Sequence[str]]],
    *,
    struck: Iterable[str],
    fault_s: float | None,
) -> Findings:
    """Compare.

    Args:
        people: as `client.dump` writes them, of all load processes.
        histories: event ids by room, by the site that was asked for them after the drill.
        struck: sites that the fault befell.
        fault_s: when, if there was a fault.
    """
    found = Findings(people=len(people))
    rooms: dict[str, list[Mapping[str, Any]]] = {}
    for person in people:
        rooms.setdefault(person["room_id"], []).append(person)
        found.limited += person["limited"]
        found.moves += person["moves"]
        _lost(person, histories, found)
        if person.get("writes", True):
            # What is said in time-lapse says nothing of how long people wait.
            _waits(person, set(struck), fault_s, found)
    anywhere = {
        event_id for held in histories.values() for event_ids in held.values() for event_id in event_ids
    }
    for members in rooms.values():
        for reader in members:
            _sequence(reader, members, anywhere, found)
    return found


def _lost(
    person: Mapping[str, Any], histories: Mapping[str, Mapping[str, Sequence[str]]], found: Findings
) -> None:
    found.acknowledged += len(person["sent"])
    found.held_here += sum(sent[6] for sent in person["sent"])
    for site, rooms in histories.items():
        held = set(rooms.get(person["room_id"], ()))
        for sent in person["sent"]:
            if sent[4] not in held:
                where = found.burnt if sent[6] else found.lost
                where.append(f"{person['name']} {sent[0]} is not in the history of site {site}")


def _sequence(
    reader: Mapping[str, Any],
    members: Sequence[Mapping[str, Any]],
    anywhere: set[str],
    found: Findings,
) -> None:
    seen: dict[str, list[int]] = {}
    for _, sender, number in reader["seen"]:
        seen.setdefault(sender, []).append(number)
    for writer in members:
        numbers = seen.get(writer["user_id"], [])
        where = f"of {writer['name']} to {reader['name']}"
        held_here = {sent[0] for sent in writer["sent"] if sent[6]}
        acknowledged = {sent[0] for sent in writer["sent"] if not sent[6] or sent[4] in anywhere}
        found.gaps += [f"{number} {where}" for number in sorted(acknowledged - set(numbers))]
        found.duplicates += [f"{number} {where}" for number in set(numbers) if numbers.count(number) > 1]
        for before, after in pairwise(numbers):
            if after < before:
                kind = found.late if after in held_here else found.reordered
                kind.append(f"{after} after {before} {where}")


def _waits(person: Mapping[str, Any], struck: set[str], fault_s: float | None, found: Findings) -> None:
    sent = person["sent"]
    for _, began, acked, *_ in sent:
        if fault_s is None or not fault_s - 1 <= acked <= fault_s + 10:
            found.latency_ms.append(1000 * (acked - began))
    if fault_s is None:
        return
    before = [acked for _, _, acked, *_ in sent if acked < fault_s]
    after = [(acked, acked - max(began, fault_s)) for _, began, acked, *_ in sent if acked >= fault_s]
    if not before or not after:
        return
    if person["home"] in struck:
        found.struck_s.append(min(acked for acked, _ in after) - max(before))
    else:
        # The longest that any message took from then on: pauses between messages are no fault's.
        found.spared_s.append(max(waited for _, waited in after))


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value below which this share lies, None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
