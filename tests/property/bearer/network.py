"""Nodes in memory with real chains and signatures, and links between them that lose, double and reorder."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bongsu.bearer.bundle import Bundle
from bongsu.bearer.exchange import Complaint, Exchange, Load, Output, Send, Store
from bongsu.log.epoch import Held, Opening, ends_to_name, settle, unheld, vector_of
from bongsu.log.foreign import Checked, check
from bongsu.log.key import NodeKey
from bongsu.log.record import ForeignRecord, Header, Kind, Lane, LogName, body_hash, header_hash
from bongsu.log.vector import Vector

WINDOW_BYTES = 2_000
RECORDS_AT_ONCE = 4
BODY_BYTES_MAX = 900
BUNDLE_BYTES_MAX = RECORDS_AT_ONCE * (BODY_BYTES_MAX + 100) + 200


@dataclass
class Stretch:
    """One log as a node holds it. `signatures` by seq: an owner can sign anywhere, others hold what came."""

    public_key: bytes
    records: list[ForeignRecord] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    signatures: dict[int, bytes] = field(default_factory=dict)


class Node:
    """A node's log store, in memory."""

    def __init__(self, number: int) -> None:
        self.key = NodeKey(bytes([number + 1]) * 32)
        self.logs: dict[LogName, Stretch] = {}
        self.states: dict[LogName, Held] = {}
        self.ends: list[End] = []
        self.full = False  # the disk
        self.places: dict[tuple[LogName, int], int] = {}
        self.epoch, self.ordinal = number + 1 << 56, 1

    def vector(self) -> Vector:
        return Vector.decode(vector_of(self.states.values()).encode())

    def held(self) -> Mapping[LogName, Held]:
        return self.states

    def place(self, log: LogName, seq: int) -> int:
        return self.places.get((log, seq), 0)

    def restart(self) -> None:
        self.epoch, self.ordinal = self.epoch + (1 << 48) + 1, self.ordinal + 1

    def append(self, lane: Lane, body: bytes) -> LogName:
        log = LogName(self.key.node, self.epoch, lane)
        if log not in self.logs:
            opening = Opening(self.ordinal, ends_to_name(self.states.values(), self.key.node, self.ordinal))
            self._write(log, Kind.EPOCH, opening.encode())
        self._write(log, Kind.EVENT, body)
        return log

    def _write(self, log: LogName, kind: Kind, body: bytes) -> None:
        held = self.states.get(log) or unheld(log, self.ordinal)
        header = Header(held.seq + 1, kind, bytes(16), held.seq, 7, body_hash(body))
        digest = header_hash(held.hash, header)
        self._keep(log, self.key.public, [ForeignRecord(header, body)], [digest], self.key.sign([digest]))
        for end in self.ends:
            end.committed(log)

    def take(self, bundle: Bundle) -> tuple[int, str | None]:
        if self.full:
            return 0, None
        log = bundle.log
        held = self.states.get(log) or unheld(log, 0)
        stretch = self.logs.get(log, Stretch(bundle.public_key))
        known = dict(enumerate(stretch.hashes, 1))
        verdict = check(log, held, known, bundle.public_key, bundle.records, bundle.signature)
        if not isinstance(verdict, Checked):
            return 0, getattr(verdict, "reason", None)
        if verdict.records:
            self._keep(log, bundle.public_key, verdict.records, verdict.hashes, bundle.signature)
            for end in self.ends:
                end.committed(log)
        return len(verdict.records), None

    def _keep(
        self,
        log: LogName,
        public_key: bytes,
        records: Sequence[ForeignRecord],
        hashes: Sequence[bytes],
        signature: bytes,
    ) -> None:
        first = records[0]
        opening = Opening.decode(first.body or b"") if first.header.seq == 1 else None
        state = self.states.get(log) or unheld(log, 0)
        ordinal = opening.ordinal if opening else state.ordinal
        seq = records[-1].header.seq
        self.states[log] = replace(state, ordinal=ordinal, seq=seq, hash=hashes[-1])
        stretch = self.logs.setdefault(log, Stretch(public_key))
        for record in records:
            self.places[log, record.header.seq] = len(self.places) + 1
        stretch.records += records
        stretch.hashes += hashes
        stretch.signatures[seq] = signature
        if opening is not None:
            for changed in settle(self.states, log, opening):
                self.states[changed.log] = changed

    def bundle(self, load: Load) -> Bundle:
        """What follows `after`, up to the last signature that still fits."""
        stretch = self.logs[load.log]
        signed = [
            seq for seq in sorted(stretch.signatures) if load.after < seq <= load.after + RECORDS_AT_ONCE
        ]
        near = [seq for seq in signed if load.until is None or self.places[load.log, seq] <= load.until]
        upto = near[-1] if near else signed[0]
        records = tuple(stretch.records[load.after : upto])
        log = load.log
        return Bundle(stretch.public_key, log.epoch, log.lane, records, stretch.signatures[upto])

    def contents(self) -> dict[LogName, list[bytes]]:
        return {log: stretch.hashes for log, stretch in self.logs.items()}


class End:
    """One node's end of a link, as a driver would be: outputs wait until the test lets them happen."""

    def __init__(self, node: Node, *, relays: bool) -> None:
        self.node = node
        self.relays = relays
        self.loads: list[Load] = []
        self.stores: list[Store] = []
        self.sent: list[bytes] = []
        self.given: list[Bundle] = []
        self.sentences: list[str] = []
        self.connect()
        node.ends.append(self)

    @property
    def acknowledged(self) -> dict[LogName, int]:
        """What the peer is known to have of this node's own logs."""
        own = (log for log in self.node.states if log.node == self.node.key.node)
        return {log: seq for log in own if (seq := self.exchange.peer_has(log))}

    def connect(self) -> None:
        """A new link: all that was on the way is gone."""
        self.exchange = Exchange(self.node, self.node.key.node, window_bytes=WINDOW_BYTES, relays=self.relays)
        for waiting in (self.loads, self.stores, self.sent):
            waiting.clear()
        self.beat()

    def beat(self) -> None:
        self.do(self.exchange.offer())

    def committed(self, log: LogName) -> None:
        self.do(self.exchange.advanced([log]))

    def hear(self, raw: bytes) -> None:
        self.do(self.exchange.receive(raw))

    def load(self) -> None:
        load = self.loads.pop(0)
        bundle = self.node.bundle(load)
        before = len(self.sent)
        self.do(self.exchange.loaded(load, bundle))
        if len(self.sent) > before:
            self.given.append(bundle)

    def store(self, at: int = 0, *, has_room: bool = True) -> None:
        store = self.stores.pop(at)
        taken, refusal = self.node.take(store.bundle)
        self.do(self.exchange.stored(store.ticket, taken, refusal, has_room=has_room))

    def shown(self) -> bool:
        """There is room; whether anything waited for that."""
        outputs = self.exchange.shown()
        self.do(outputs)
        return bool(outputs)

    def do(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            match output:
                case Send(raw):
                    self.sent.append(raw)
                case Load():
                    self.loads.append(output)
                case Store():
                    self.stores.append(output)
                case Complaint(sentence):
                    self.sentences.append(sentence)
        assert self.exchange.arriving_bytes < WINDOW_BYTES + BUNDLE_BYTES_MAX
        assert len(self.loads) <= 1, "a driver has one read to do at a time"


@dataclass
class Link:
    """Two ends."""

    left: End
    right: End

    def ends(self) -> tuple[tuple[End, End], tuple[End, End]]:
        return (self.left, self.right), (self.right, self.left)


class Network:
    """Nodes and links, driven by one seed."""

    def __init__(self, count: int, pairs: Sequence[tuple[int, int]], rnd: random.Random) -> None:
        self.rnd = rnd
        self.nodes = [Node(number) for number in range(count)]
        relays = count > 2 and len(pairs) < count
        self.links = [
            Link(End(self.nodes[one], relays=relays), End(self.nodes[two], relays=relays))
            for one, two in pairs
        ]

    def step(self) -> None:
        """Something happens: mostly work, now and then a fault."""
        sender, hearer = self.rnd.choice(self.rnd.choice(self.links).ends())
        dice = self.rnd.random()
        if dice < 0.27:
            self.disturb(sender, hearer, dice)
        elif dice < 0.45 and sender.loads:
            sender.load()
        elif dice < 0.6 and sender.stores:
            sender.store(self.rnd.randrange(len(sender.stores)), has_room=self.rnd.random() < 0.7)
        elif dice < 0.65:
            sender.shown()
        elif sender.sent:
            self.deliver(sender, hearer)

    def disturb(self, sender: End, hearer: End, dice: float) -> None:
        """Records, restarts, offers and cuts."""
        rnd = self.rnd
        if dice < 0.2:
            node = rnd.choice(self.nodes)
            for _ in range(rnd.choice([1, 1, 1, 12])):
                node.append(rnd.choice(list(Lane)), rnd.randbytes(rnd.choice([5, 5, BODY_BYTES_MAX])))
        elif dice < 0.22:
            rnd.choice(self.nodes).restart()
        elif dice < 0.25:
            sender.beat()
        else:
            sender.connect()
            if rnd.random() < 0.7:
                hearer.connect()

    def deliver(self, sender: End, hearer: End) -> None:
        """A message arrives: perhaps out of turn, perhaps twice, perhaps never."""
        rnd = self.rnd
        raw = sender.sent.pop(rnd.choice([0, 0, rnd.randrange(len(sender.sent))]))
        if rnd.random() < 0.85:
            hearer.hear(raw)
        if rnd.random() < 0.1:
            sender.sent.append(raw)
        self.check_acknowledged()

    def settle(self) -> int:
        """Without further faults, work until nothing is left to do; how many messages that took."""
        messages = 0
        working = True
        while working:
            working = False
            for link in self.links:
                for sender, hearer in link.ends():
                    working = sender.shown() or working
                    while sender.loads or sender.stores or sender.sent:
                        working = True
                        if sender.loads:
                            sender.load()
                        if sender.stores:
                            sender.store()
                        if sender.sent:
                            messages += 1
                            assert messages < 20_000, "the exchange never rests"
                            hearer.hear(sender.sent.pop(0))
        self.check_acknowledged()
        return messages

    def beat(self) -> None:
        for link in self.links:
            for sender, _ in link.ends():
                sender.beat()

    def check_acknowledged(self) -> None:
        """What a peer is known to have it has."""
        for link in self.links:
            for owner, keeper in link.ends():
                for log in owner.node.states:
                    has = owner.exchange.peer_has(log)
                    assert has == 0 or keeper.node.states[log].seq >= has

    def equal(self) -> bool:
        first, *others = self.nodes
        return all(node.vector() == first.vector() and node.contents() == first.contents() for node in others)
