"""What was promised and shown during a run, and what went wrong: the memory that the oracle judges by."""

from dataclasses import dataclass, field

from bongsu.log.record import LogName


@dataclass(frozen=True, slots=True)
class Kept:
    """An event that has to survive: acknowledged as being at two sites, or shown without a label."""

    event_id: str
    room_id: str
    log: LogName
    seq: int
    hash: bytes
    why: str


@dataclass(slots=True)
class Journal:
    """One run's."""

    failures: list[str] = field(default_factory=list)
    kept: dict[str, Kept] = field(default_factory=dict)
    # Acknowledged at one site only, by event id: may burn.
    held_here: dict[str, Kept] = field(default_factory=dict)
    # What burned with the only disk it was on.
    burned: set[str] = field(default_factory=set)
    one_time_keys: dict[str, str] = field(default_factory=dict)
    # Identities of messages to devices that were acknowledged and may not get lost, by recipient.
    messages: dict[str, set[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def fail(self, sentence: str) -> None:
        """Something that must not be."""
        if len(self.failures) < 50 and sentence not in self.failures:
            self.failures.append(sentence)

    def count(self, what: str) -> None:
        """For the line that is printed."""
        self.counts[what] = self.counts.get(what, 0) + 1
