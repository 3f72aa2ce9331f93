"""Taking a file: every part is proved before it is stored, and what is known already has no effect."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bongsu import drafts
from bongsu.authority import CORE, HUB, link_refusal, read_certificate
from bongsu.bearer import carry
from bongsu.bearer.bundle import Bundle, Outline, believed, outline
from bongsu.bearer.carry import Header, ReadBytes
from bongsu.bearer.frame import FrameReader, Unreadable
from bongsu.canonical import unpadded_base64
from bongsu.courier.bodies import lacks_here, read_manifest, read_part, withheld_scopes, without
from bongsu.courier.destinations import HELD
from bongsu.courier.export import service_id
from bongsu.courier.late import Late
from bongsu.errors import MatrixError, invalid_param
from bongsu.hub import fill
from bongsu.log.epoch import Fork
from bongsu.log.foreign import Gap, Refused, Taken
from bongsu.log.key import verify
from bongsu.log.record import BodyState
from bongsu.log.store import Damaged
from bongsu.node import Node
from bongsu.view import registers

Progress = Callable[[int], None]


@dataclass(slots=True)
class Took:
    """What became of a file. `lacking`: records that need earlier ones, which another file has to bring."""

    source: str
    new: int = 0
    known: int = 0
    lacking: int = 0
    refused: int = 0
    complete: bool = False
    problem: str | None = None

    def as_json(self) -> dict[str, object]:
        """For the one who carried it."""
        return {
            "kept": False,
            "source": self.source,
            "new": self.new,
            "known": self.known,
            "lacking": self.lacking,
            "refused": self.refused,
            "complete": self.complete,
            "problem": self.problem,
        }


def check_header(node: Node, header: Header) -> None:
    """Refuse what is of another service, or of a node that does not belong to this one.

    Raises:
        MatrixError: 400 M_INVALID_PARAM; the sentence says why.
    """
    if header.service != service_id(node.config.server_name):
        raise invalid_param("This file is of another service. Nothing of it was taken.")
    authorities = node.context.authorities
    if authorities.root_key is None:
        raise invalid_param("This node has no root key to know other nodes by; give the setting root_key.")
    certificate = read_certificate(authorities.root_key, header.certificate)
    if certificate.node != header.node:
        raise invalid_param("This file shows the certificate of another node than made it.")
    refusal = link_refusal(certificate, authorities.revocations(), min(node.now_ms(), header.created_ms))
    if refusal is not None:
        raise invalid_param(f"{refusal} Nothing of this file was taken.")


def content_key(node: Node, header: Header) -> bytes | None:
    """The key of the parts, or None: the file is not for this node."""
    for each in header.recipients:
        if each.node == node.log.key.node:
            return node.log.key.unseal(each.sealed_key, carry.SEAL_INFO)
    return None


async def take(node: Node, read: ReadBytes, progress: Progress = lambda _: None) -> Took:
    """Take a file that is for this node.

    Raises:
        MatrixError: 400 M_INVALID_PARAM, nothing was taken; a file that ends early or was changed
            is no error: `problem` says so, and what came before is taken.
    """
    header, raw, key = _begin(node, read)
    took = Took(header.source)
    scopes: set[bytes] = set()
    # Of which earlier records lack: looked for once, and kept while the file is taken.
    lacking = withheld_scopes(node.log)
    late = Late()
    try:
        for kind, payload in carry.read_parts(read, key, raw):
            match kind:
                case carry.MANIFEST:
                    scopes = read_manifest(payload)
                    late.scopes = _late(node, lacking, scopes)
                case carry.BODIES:
                    took.new += await node.log.refill(
                        read_part(payload, header.node, core=_is_core(node, header))
                    )
                    lacking = withheld_scopes(node.log)
                case carry.BUNDLE:
                    lacking |= await _bundle(node, header, payload, took, lacking, late)
                    late.scopes = _late(node, lacking, scopes)
                case carry.END:
                    took.complete = _is_complete(payload)
            progress(took.new + took.known + took.lacking + took.refused)
    except Unreadable as error:
        took.problem = str(error)
    took.new += await late.fill(node.log)
    if took.new:
        await say_held(node, scopes)
    return took


def _is_core(node: Node, header: Header) -> bool:
    maker = node.certificate_of(header.node)
    return maker is not None and maker.role == CORE


def _begin(node: Node, read: ReadBytes) -> tuple[Header, bytes, bytes]:
    try:
        header, raw = carry.read_header(read)
    except Unreadable as error:
        raise invalid_param(f"{error} Nothing of this file was taken.") from error
    check_header(node, header)
    key = content_key(node, header)
    if key is None:
        raise invalid_param(f"This file is for {header.destination}, which this node cannot open.")
    return header, raw, key


async def _bundle(
    node: Node, header: Header, payload: bytes, took: Took, lacking: set[bytes], late: Late
) -> set[bytes]:
    """Take a bundle; the scopes of records that came without their bodies."""
    said = outline(payload)
    if not late.scopes and _is_held(node, said):
        took.known += said.records
        return set()
    bundle = Bundle.decode(payload)
    records = believed(bundle.records, bundle.log, header.node, core=_is_core(node, header))
    late.note(bundle.log, records)
    if node.config.role == HUB:
        records = without(records, lacking)
    verdict = await node.log.append_foreign(bundle.log, bundle.public_key, records, bundle.signature)
    bare: set[bytes] = set()
    match verdict:
        case Taken(taken):
            bare = {each.header.scope for each in taken if each.state == BodyState.WITHHELD}
            took.new += len(taken)
            took.known += said.records - len(taken)
        case Gap():
            took.lacking += said.records
        case Refused() if bundle.log.node == node.log.key.node:
            took.known += said.records  # what this process writes itself
        case Fork() | Refused():
            took.refused += said.records
    await asyncio.sleep(0)
    return bare


def _late(node: Node, lacking: set[bytes], scopes: set[bytes]) -> set[bytes]:
    """Scopes of which a file may bring bodies that came late: a hub keeps what it may have, the core all."""
    return lacking & scopes if node.config.role == HUB else set(lacking)


def _is_held(node: Node, said: Outline) -> bool:
    """Whether every record of a bundle is here: its author signed the chain up to what is held.

    Most of what couriers bring has come by another before; so it costs one signature, and not a thousand
    hashes.
    """
    held = node.log.held_log(said.log)
    if held is None or held.seq < said.last_seq:
        return False
    try:
        found = node.log.log_records(said.log, said.last_seq, 1)
    except Damaged:
        return False
    return bool(found) and verify(said.public_key, [found[0].hash], said.signature)


def _is_complete(payload: bytes) -> bool:
    reader = FrameReader(payload)
    reader.array(2, 2)
    return reader.flag()


async def say_held(node: Node, scopes: set[bytes]) -> None:
    """Record what is held now, and which bodies of these scopes lack; couriers take it to who makes files."""
    name = node.log.key.node.hex()
    value = {"vector": unpadded_base64(node.log.vector().encode())}
    lacks = lacks_here(node.log, scopes)
    if lacks:
        value["lacks"] = unpadded_base64(fill.ask(lacks))
    stamp = registers.stamp_after(node.context, node.now_ms(), HELD, "", "", name)
    try:
        await node.write(drafts.register(HELD, "", "", name, value, stamp))
    except MatrixError:
        # A full disk, or this node is shut out: the file is taken, the receipt waits for the next one.
        return
