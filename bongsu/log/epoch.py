"""Epochs: what an opening record says of its node's earlier logs, and when those are settled. Pure.

DESIGN 5.1."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cbor2 import CBORDecodeError, dumps, loads

from bongsu import limits
from bongsu.errors import invalid_param
from bongsu.log.record import HASH_BYTES, Lane, LogName, genesis
from bongsu.log.vector import Key, Vector, prefix_of, tag_of

VERSION = 1


@dataclass(frozen=True, slots=True)
class End:
    """Where an earlier log of the node ends, as far as the node knew at its next start."""

    epoch: int
    ordinal: int
    lane: Lane
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """The body of a log's first record. `ordinal`: which of the node's starts that wrote this is, from 1."""

    ordinal: int
    ends: tuple[End, ...] = ()

    def encode(self) -> bytes:
        """The record's body."""
        ends = [[end.epoch, end.ordinal, int(end.lane), end.seq, end.hash] for end in self.ends]
        return dumps([VERSION, self.ordinal, ends], canonical=True)

    @classmethod
    def decode(cls, raw: bytes) -> "Opening":
        """Read a body.

        Raises:
            MatrixError: it is not one.
        """
        try:
            version, ordinal, ends = loads(raw)
            opening = cls(ordinal, tuple(_end(*fields) for fields in ends))
        except (CBORDecodeError, ValueError, TypeError) as error:
            raise invalid_param("An opening record cannot be read.") from error
        bounded = _within(ordinal, limits.ORDINAL_MAX) and len(ends) <= limits.EPOCH_ENDS_MAX
        if version != VERSION or not bounded or any(end.ordinal >= ordinal for end in opening.ends):
            raise invalid_param(
                "An opening record is of an unknown version or names a log later than itself."
            )
        return opening


def _end(epoch: Any, ordinal: Any, lane: Any, seq: Any, digest: Any) -> End:
    numbers = _within(epoch, 2**64 - 1, 0) and _within(ordinal, limits.ORDINAL_MAX)
    if (
        not numbers
        or not _within(seq, limits.SEQ_MAX)
        or not isinstance(digest, bytes)
        or len(digest) != HASH_BYTES
    ):
        raise ValueError("not an end")
    return End(epoch, ordinal, Lane(lane), seq, digest)


def _within(value: Any, most: int, least: int = 1) -> bool:
    return type(value) is int and least <= value <= most


@dataclass(frozen=True, slots=True)
class Naming:
    """An opening record, by its log, and at which seq it says that another log ends."""

    log: LogName
    seq: int


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of one log without a gap, and where a later opening record says that it ends.

    `seq` 0: the log is only known by name. `named_by`: the log whose opening record named the end.
    """

    log: LogName
    ordinal: int
    seq: int
    hash: bytes
    end: End | None = None
    named_by: LogName | None = None
    # Others that named an end of it, this one or one before: not knowing of each other, or of a longer tail.
    also_named_by: tuple[Naming, ...] = ()

    @property
    def namings(self) -> tuple[Naming, ...]:
        """Every opening record that named an end, the furthest first."""
        if self.named_by is None or self.end is None:
            return ()
        return (Naming(self.named_by, self.end.seq), *self.also_named_by)

    @property
    def settled(self) -> bool:
        """Held to its named end and not beyond: a vector need not list it."""
        return self.end is not None and self.end.seq == self.seq and self.end.hash == self.hash


@dataclass(frozen=True, slots=True)
class Fork:
    """One seq of one log has two headers: the node's key signed two histories. Keep both; tell people."""

    log: LogName
    seq: int
    ours: bytes
    theirs: bytes


def unheld(log: LogName, ordinal: int) -> Held:
    """A log of which nothing is held."""
    return Held(log, ordinal, 0, genesis(log))


def ends_to_name(held: Iterable[Held], node: bytes, ordinal: int) -> tuple[End, ...]:
    """The ends that an opening record of start `ordinal` names: logs not named yet, or found to be longer."""
    ends = [
        End(state.log.epoch, state.ordinal, state.log.lane, state.seq, state.hash)
        for state in held
        if state.log.node == node and state.ordinal < ordinal and state.seq > 0
        if state.end is None or state.end.seq < state.seq
    ]
    ends.sort(key=lambda end: (end.ordinal, end.epoch, end.lane))
    return tuple(ends[: limits.EPOCH_ENDS_MAX])


def settle(held: Mapping[LogName, Held], opened: LogName, opening: Opening) -> list[Held]:
    """What the opening record of `opened` changes in what is known of the node's earlier logs."""
    changed = []
    for end in opening.ends:
        log = LogName(opened.node, end.epoch, end.lane)
        state = held.get(log) or unheld(log, end.ordinal)
        assert log != opened, "decode refuses an opening record that names its own log"
        if any(each.log == opened for each in state.namings):
            continue
        # Of several ends the furthest counts: a later start found and adopted a longer tail. Those before
        # stay: who left the log out of a vector by one of them has that much of it.
        if state.end is None or state.end.seq < end.seq:
            changed.append(replace(state, end=end, named_by=opened, also_named_by=state.namings))
        elif state.end.seq > end.seq or state.end.hash == end.hash:
            # Two starts that did not know of each other: the node came back from an old image.
            changed.append(replace(state, also_named_by=(*state.also_named_by, Naming(opened, end.seq))))
    return changed


def fork_at_end(state: Held, end: End) -> Fork | None:
    """Whether the node named another end than the header held here at the same seq."""
    if state.seq == end.seq and state.hash != end.hash:
        return Fork(state.log, end.seq, state.hash, end.hash)
    return None


def fork_in(log: LogName, held: Mapping[int, bytes], offered: Iterable[tuple[int, bytes]]) -> Fork | None:
    """The first seq at which offered headers differ from those held."""
    for seq, theirs in offered:
        ours = held.get(seq)
        if ours is not None and ours != theirs:
            return Fork(log, seq, ours, theirs)
    return None


def vector_of(held: Iterable[Held]) -> Vector:
    """The version vector of what is held: each node's newest epoch, and earlier logs that are not settled."""
    return Vector.of((state.log, state.ordinal, state.seq) for state in held if not state.settled)


def vector_at(held: Mapping[LogName, Held], seqs: Mapping[LogName, int]) -> Vector:
    """The version vector of who has of each log only up to `seqs`, and so perhaps not what settles others."""
    listed = []
    for log, state in held.items():
        named = state.named_by is not None and seqs.get(state.named_by, 0) > 0
        if not (state.settled and named and seqs[log] == state.seq):
            listed.append((log, state.ordinal, seqs[log]))
    return Vector.of(listed)


def covered(held: Mapping[LogName, Held], vector: Vector, log: LogName) -> int:
    """Up to which seq the holder of `vector` has `log`.

    A log the vector does not list is covered to the furthest end that an opening record named which the
    vector covers, directly or over later ones. An epoch of a lost future, which no later one named, is so
    never taken for held: that is how acknowledged records vanished (tests/property/log/test_epoch.py).
    """
    state: Held | None = held.get(log)
    if state is None:
        return vector.listed(log.node, 0, tag_of(log.epoch), log.lane) or 0
    listed = vector.listed(log.node, *_key(state))
    if listed is not None:
        return min(listed, state.seq)
    return max((each.seq for each in state.namings if _is_begun(held, held[each.log], vector)), default=0)


def _is_begun(held: Mapping[LogName, Held], state: Held, vector: Vector) -> bool:
    """Whether the vector covers a log's opening record: it lists the log, or one above that named it."""
    left, seen = [state], {state.log}
    while left:
        each = left.pop()
        listed = vector.listed(each.log.node, *_key(each))
        if listed is not None:
            if listed > 0:
                return True
            continue
        for naming in each.namings:
            if naming.log not in seen:
                seen.add(naming.log)
                left.append(held[naming.log])
    return False


def undecided(held: Mapping[LogName, Held], state: Held, vector: Vector) -> bool:
    """Whether only an opening record that is not held here says if the holder of `vector` has the log.

    `covered` says no, so that nothing is ever taken for given. To a client nothing is shown of it meanwhile:
    it was shown all of it elsewhere, most likely, and a token does not forget. Where every later opening that
    the holder has is held here and none names the log, the holder lacks it: a node with a clock that stood
    still, or with an old image, opens logs that none of its later starts knew.
    """
    node = state.log.node
    if vector.listed(node, *_key(state)) is not None or vector.top(node) <= state.ordinal:
        return False
    later = {_key(other): other for other in held.values() if _is_later(other, state)}
    for key, seq in vector.nodes[prefix_of(node)].listed.items():
        if key[0] > state.ordinal and seq > 0 and (key not in later or later[key].seq == 0):
            return True
    return any(other.seq == 0 and covered(held, vector, other.log) > 0 for other in later.values())


def _is_later(other: Held, state: Held) -> bool:
    return other.log.node == state.log.node and other.ordinal > state.ordinal


def _key(state: Held) -> Key:
    return state.ordinal, tag_of(state.log.epoch), int(state.log.lane)


def merged(held: Mapping[LogName, Held], ours: Vector, theirs: Vector) -> Vector:
    """What either vector holds, by what is held here of the ends that both leave out.

    A node that came back from an old image names ends that its logs had passed before. One vector then lists
    more of such a log than the end that the other means by leaving it out, or the other knows nothing of the
    log: the list must stay. Where only an opening that is not held here says how much the other means, it
    means more, most likely: a list would lower it.
    """
    if not theirs.nodes:
        return ours  # of nearly every token that is written
    both = ours.merge(theirs)
    states = {(prefix_of(state.log.node), _key(state)): state for state in held.values()}
    for vector, other in ((ours, theirs), (theirs, ours)):
        for prefix, entry in vector.nodes.items():
            for key, seq in entry.listed.items():
                state = states.get((prefix, key))
                if seq <= both.nodes[prefix].listed.get(key, 0):
                    continue
                if state is not None and undecided(held, state, other):
                    continue
                if state is None or seq > covered(held, other, state.log):
                    both = both.listing(prefix, key, seq)
    return both
