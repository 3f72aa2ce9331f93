"""Version vectors: what a node or a sync token has of every log. DESIGN 5.1, 5.4. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bongsu import limits
from bongsu.errors import MatrixError, invalid_param
from bongsu.log.record import Lane, LogName

VERSION = 1
PREFIX_BYTES = 3
TAG_BYTES = 2
LANES = len(Lane)

# One log as a vector names it: ordinal and tag of the epoch, and the lane.
Key = tuple[int, bytes, int]


def prefix_of(node: bytes) -> bytes:
    """The name of a node in vectors; a service admits no two nodes with the same one."""
    return node[:PREFIX_BYTES]


def tag_of(epoch: int) -> bytes:
    """The name of an epoch in vectors, together with its ordinal."""
    return epoch.to_bytes(8, "big")[:TAG_BYTES]


@dataclass(frozen=True, slots=True)
class NodeEntry:
    """What is held of one node's logs.

    `top` is its newest start; `listed` says how far a log is held. A log of an earlier start that is not
    listed is held to its named end; one of the newest start that is not listed, not at all.
    """

    top: int
    listed: Mapping[Key, int]

    def held(self, key: Key) -> int | None:
        """The seq, or None: to the end."""
        seq = self.listed.get(key)
        if seq is not None:
            return seq
        return None if key[0] < self.top else 0


@dataclass(frozen=True, slots=True)
class Missing:
    """Records the other has and this one lacks: seq in (after, upto] of the logs that match.

    `upto` None: to the named end. `tag` and `lane` None: every log of these starts that neither lists.
    """

    prefix: bytes
    first_ordinal: int
    last_ordinal: int
    tag: bytes | None
    lane: Lane | None
    after: int
    upto: int | None


@dataclass(frozen=True, slots=True)
class Vector:
    """A version vector. Equal vectors have equal fields, because entries that say nothing are left out."""

    nodes: Mapping[bytes, NodeEntry] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def empty(cls) -> "Vector":
        """Nothing held."""
        return cls()

    @classmethod
    def of(cls, logs: Iterable[tuple[LogName, int, int]]) -> "Vector":
        """From (log, ordinal, seq): every log that is not held exactly to its named end."""
        tops: dict[bytes, int] = {}
        listed: dict[bytes, dict[Key, int]] = {}
        for log, ordinal, seq in logs:
            prefix = prefix_of(log.node)
            if seq > 0:
                tops[prefix] = max(tops.get(prefix, 0), ordinal)
            listed.setdefault(prefix, {})[ordinal, tag_of(log.epoch), int(log.lane)] = seq
        return cls({prefix: _entry(top, listed[prefix]) for prefix, top in tops.items()})

    def listed(self, node: bytes, ordinal: int, tag: bytes, lane: int) -> int | None:
        """How far the log is held, if the vector lists it."""
        entry = self.nodes.get(prefix_of(node))
        return None if entry is None else entry.listed.get((ordinal, tag, int(lane)))

    def top(self, node: bytes) -> int:
        """The newest start of a node of which something is held; 0: none."""
        entry = self.nodes.get(prefix_of(node))
        return 0 if entry is None else entry.top

    def covers(self, log: LogName, ordinal: int, seq: int) -> bool:
        """Whether seq of the log is held, for a log that the newest epoch's line of starts names."""
        entry = self.nodes.get(prefix_of(log.node))
        if entry is None:
            return False
        held = entry.held((ordinal, tag_of(log.epoch), int(log.lane)))
        return held is None or seq <= held

    def advance(self, log: LogName, ordinal: int, seq: int) -> "Vector":
        """With the log held to at least `seq`. What was listed of earlier starts stays listed."""
        prefix, key = prefix_of(log.node), (ordinal, tag_of(log.epoch), int(log.lane))
        entry = self.nodes.get(prefix, NodeEntry(0, {}))
        held = entry.held(key)
        if held is None or seq <= held:
            return self
        top = max(entry.top, ordinal)
        return Vector({**self.nodes, prefix: _entry(top, {**entry.listed, key: seq})})

    def lowered(self, log: LogName, ordinal: int, seq: int) -> "Vector":
        """With no more than `seq` of the log, which is at least its opening record."""
        assert seq > 0, "an opening record names nothing that could be missing"
        prefix, key = prefix_of(log.node), (ordinal, tag_of(log.epoch), int(log.lane))
        entry = self.nodes.get(prefix, NodeEntry(0, {}))
        held = entry.held(key)
        if held is not None and held <= seq:
            return self
        return self.listing(prefix, key, seq)

    def listing(self, prefix: bytes, key: Key, seq: int) -> "Vector":
        """With one log listed, whatever else the entry says."""
        entry = self.nodes.get(prefix, NodeEntry(0, {}))
        return Vector({**self.nodes, prefix: NodeEntry(max(entry.top, key[0]), {**entry.listed, key: seq})})

    def merge(self, other: "Vector") -> "Vector":
        """What either holds."""
        nodes = dict(self.nodes)
        for prefix, theirs in other.nodes.items():
            ours = nodes.get(prefix)
            nodes[prefix] = theirs if ours is None else _join(ours, theirs)
        return Vector(nodes)

    def __le__(self, other: "Vector") -> bool:
        """Whether the other holds everything this one does."""
        nodes = other.nodes
        return all(prefix in nodes and _at_most(ours, nodes[prefix]) for prefix, ours in self.nodes.items())

    def missing(self, other: "Vector") -> list[Missing]:
        """What the other holds and this one does not, in a fixed order."""
        found: list[Missing] = []
        for prefix in sorted(other.nodes):
            ours, theirs = self.nodes.get(prefix, NodeEntry(0, {})), other.nodes[prefix]
            if ours.top < theirs.top:
                first = max(ours.top, 1)
                if first < theirs.top:
                    found.append(Missing(prefix, first, theirs.top - 1, None, None, 0, None))
            for key in sorted(ours.listed.keys() | theirs.listed.keys()):
                after, upto = ours.held(key), theirs.held(key)
                if after is not None and (upto is None or upto > after):
                    found.append(Missing(prefix, key[0], key[0], key[1], Lane(key[2]), after, upto))
        return found

    def encode(self) -> bytes:
        """The compact form, the same for equal vectors: at most 1 kB for 53 nodes after 1,000 starts each."""
        out = bytearray([VERSION])
        for prefix in sorted(self.nodes):
            _encode_entry(out, prefix, self.nodes[prefix])
        return bytes(out)

    @classmethod
    def decode(cls, raw: bytes) -> "Vector":
        """Read the compact form.

        Raises:
            MatrixError: these bytes are not what `encode` makes.
        """
        vector = _decode(raw)
        if vector.encode() != raw:
            raise _garbage()
        return vector


def _entry(top: int, listed: Mapping[Key, int]) -> NodeEntry:
    """The entry without what it would say anyway."""
    return NodeEntry(top, {key: seq for key, seq in listed.items() if seq > 0 or key[0] < top})


def _join(ours: NodeEntry, theirs: NodeEntry) -> NodeEntry:
    listed: dict[Key, int] = {}
    for key in ours.listed.keys() | theirs.listed.keys():
        first, second = ours.held(key), theirs.held(key)
        if first is not None and second is not None:
            listed[key] = max(first, second)
    return _entry(max(ours.top, theirs.top), listed)


def _at_most(ours: NodeEntry, theirs: NodeEntry) -> bool:
    if ours.top > theirs.top:
        return False
    for key in ours.listed.keys() | theirs.listed.keys():
        first, second = ours.held(key), theirs.held(key)
        if second is not None and (first is None or first > second):
            return False
    return True


def _groups(entry: NodeEntry) -> list[tuple[tuple[int, bytes], list[int | None]]]:
    """(age, tag) of each epoch with the seqs of its lanes, the newest epoch first."""
    groups: dict[tuple[int, bytes], list[int | None]] = {}
    for (ordinal, tag, lane), seq in entry.listed.items():
        epoch = (entry.top - ordinal, tag)
        if epoch not in groups:
            groups[epoch] = [None] * LANES
        groups[epoch][lane] = seq
    return sorted(groups.items())


def _encode_entry(out: bytearray, prefix: bytes, entry: NodeEntry) -> None:
    """Prefix, top; then one group an epoch: flags (lanes, another group follows, age follows), tag, seqs."""
    groups = _groups(entry)
    assert groups[0][0][0] == 0, "a node's newest epoch is listed"
    out += prefix
    _put(out, entry.top)
    left = len(groups)
    for (age, tag), lanes in groups:
        left -= 1
        flags = (8 if left else 0) | (16 if age else 0)
        for lane, seq in enumerate(lanes):
            if seq is not None:
                flags |= 1 << lane
        out.append(flags)
        if age:
            _put(out, age)
        out += tag
        for seq in lanes:
            if seq is not None:
                _put(out, seq)


def _put(out: bytearray, number: int) -> None:
    assert number >= 0
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


class _Reader:
    """Reads bytes and variable-length numbers, and refuses to read past the end."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.at = 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.raw):
            raise _garbage()
        self.at += count
        return self.raw[self.at - count : self.at]

    def number(self, most: int) -> int:
        value, at = 0, self.at
        # A token holds hundreds of numbers, most of one byte.
        for shift, byte in zip(range(0, 63, 7), self.raw[at : at + 9], strict=False):
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value > most:
                    break
                self.at = at
                return value
        raise _garbage()


def _decode(raw: bytes) -> Vector:
    if not 0 < len(raw) <= limits.VECTOR_BYTES_MAX or raw[0] != VERSION:
        raise _garbage()
    reader = _Reader(raw)
    reader.take(1)
    nodes: dict[bytes, NodeEntry] = {}
    entries = 0
    while reader.at < len(raw):
        prefix = reader.take(PREFIX_BYTES)
        top = reader.number(limits.ORDINAL_MAX)
        nodes[prefix] = NodeEntry(top, _decode_listed(reader, top))
        entries += len(nodes[prefix].listed)
        if entries > limits.VECTOR_ENTRIES_MAX:
            raise _garbage()
    return Vector(nodes)


def _decode_listed(reader: _Reader, top: int) -> dict[Key, int]:
    listed: dict[Key, int] = {}
    flags = 8
    while flags & 8:
        flags = reader.take(1)[0]
        age = reader.number(limits.ORDINAL_MAX) if flags & 16 else 0
        tag = reader.take(TAG_BYTES)
        # The first group is of the newest epoch: else `top` would speak of a start nobody has seen.
        if age >= top or (not listed and age) or not flags & 7 or flags > 31:
            raise _garbage()
        for lane in range(LANES):
            if flags & 1 << lane:
                seq = reader.number(limits.SEQ_MAX)
                if seq == 0 and age == 0:
                    raise _garbage()
                listed[top - age, tag, lane] = seq
    return listed


def _garbage() -> MatrixError:
    return invalid_param("This token was not made by this service. Start a new sync without it.")
