"""What came of a merge, by what people wrote and saw: what each side wrote alone, and what waited. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Merge:
    """Figures of a drill whose sides were cut off from each other. Times are in seconds."""

    hours: int
    # Messages of each side in each of its rooms.
    per_hour: int
    # Messages of the talk in time-lapse, and how long they took.
    talk: int = 0
    talk_s: float = 0.0
    # Written by each side while it was alone, the drill's ordinary load among them.
    alone: dict[str, int] = field(default_factory=dict)
    # From the return of the wires until every reader had all that other sides wrote alone.
    merged_s: float | None = None
    # Of what was written meanwhile: from its acknowledgement, or from the link where that came later, to each
    # reader of another side.
    fresh_s: list[float] = field(default_factory=list)
    # By side: how much those who read up to the end of their own side before the merge are told they have not
    # read, and how much it is.
    unread: dict[str, tuple[int, int]] = field(default_factory=dict)
    # What both sides did besides talking.
    acts: int = 0
    # What came out otherwise than it must, a sentence each.
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of the drill: when the cut was done, when wires lay again, and when every hub had a link."""

    cut_s: float
    wired_s: float
    linked_s: float


@dataclass(frozen=True, slots=True)
class _Sight:
    """One message seen by one reader of another side."""

    began_s: float
    acked_s: float
    seen_s: float
    what: str  # who saw which


def measure(
    merge: Merge, people: Sequence[Mapping[str, Any]], sides: Mapping[str, str], times: Times
) -> None:
    """Fill in what people tell.

    Args:
        people: as `client.dump` writes them.
        sides: the side that a site is on.
        times: of this drill.
    """
    merge.alone = dict.fromkeys(sides.values(), 0)
    for person in people:
        merge.alone[sides[person["home"]]] += sum(
            _is_alone(sent[1], sent[2], times) for sent in person["sent"]
        )
    across = list(_across(people, sides))
    brought = [sight for sight in across if _is_alone(sight.began_s, sight.acked_s, times)]
    early = [sight.what for sight in brought if sight.seen_s < times.wired_s]
    if early:
        merge.wrong.append(f"The sides were not cut off: {early[0]} too early; so were {len(early)} in all.")
    if not brought:
        merge.wrong.append("Nobody saw anything that another side wrote alone.")
    else:
        merge.merged_s = max(sight.seen_s for sight in brought) - times.wired_s
        end_s = times.wired_s + merge.merged_s
        merge.fresh_s = [
            max(0.0, sight.seen_s - max(sight.acked_s, times.linked_s))
            for sight in across
            if times.wired_s <= sight.began_s <= end_s
        ]


def carried(
    people: Sequence[Mapping[str, Any]], sides: Mapping[str, str], since_s: float, until_s: float
) -> int:
    """How often somebody saw a message of another side, written and seen between these times."""
    across = _across(people, sides)
    return sum(since_s <= sight.began_s and sight.seen_s < until_s for sight in across)


def _is_alone(began_s: float, acked_s: float, times: Times) -> bool:
    return times.cut_s <= began_s and acked_s < times.wired_s


def _across(people: Sequence[Mapping[str, Any]], sides: Mapping[str, str]) -> Iterator[_Sight]:
    """What people saw of those of another side."""
    written = {
        (writer["user_id"], sent[0]): (sides[writer["home"]], sent)
        for writer in people
        for sent in writer["sent"]
    }
    for reader in people:
        own = sides[reader["home"]]
        for seen_s, sender, number in reader["seen"]:
            side, sent = written.get((sender, number), (own, None))
            if side != own and sent is not None:
                yield _Sight(sent[1], sent[2], seen_s, f"{reader['name']} saw {number} of {sender}")
