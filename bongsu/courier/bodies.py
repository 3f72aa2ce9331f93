"""Bodies that a hub got without, before somebody's rooms became its own: asked for by file, sent by file."""

from binascii import Error
from collections.abc import Iterable, Iterator, Set

from cbor2 import dumps

from bongsu import limits
from bongsu.bearer.frame import FrameReader, Unreadable
from bongsu.canonical import decode_base64
from bongsu.errors import MatrixError
from bongsu.hub import fill
from bongsu.hub.bodies import Allowed, fillings, given
from bongsu.hub.fill import Dot, Given
from bongsu.log.record import BodyState, ForeignRecord
from bongsu.log.store import LogStore
from bongsu.log.withheld import Filling

VERSION = 1


def manifest(vector: bytes, scopes: Iterable[bytes] | None) -> bytes:
    """The first part: what the maker holds, and the scopes that the destination may have; None: all."""
    pages = [] if scopes is None else list(fill.pages(scopes))
    return dumps([VERSION, vector, pages], canonical=True)


def read_manifest(payload: bytes) -> set[bytes]:
    """The scopes that the destination may have.

    Raises:
        Unreadable: it is no manifest.
    """
    reader = FrameReader(payload)
    reader.array(3, 3)
    reader.uint(VERSION, VERSION)
    reader.octets(limits.VECTOR_BYTES_MAX)
    pages = [reader.octets(limits.CARRY_PART_BYTES_MAX) for _ in range(reader.array(0, 64))]
    reader.end()
    return {scope for page in pages for scope in fill.read_scopes(page)}


def asked(text: object) -> list[Dot]:
    """The records a destination said it lacks the bodies of, in its register; none if it said nothing."""
    try:
        return fill.read_ask(decode_base64(text)) if isinstance(text, str) else []
    except (MatrixError, Unreadable, Error, ValueError):
        return []


def parts(log: LogStore, dots: list[Dot], allowed: Allowed) -> Iterator[bytes]:
    """Payloads with these bodies, as far as they are here and the destination may read them."""
    at = 0
    while at < len(dots):
        bodies: list[Given] = []
        size = 0
        for dot in dots[at:]:
            each = given(log, dot, allowed)
            size += 0 if each is None else len(each[1] or b"")
            if bodies and size > limits.FILL_BYTES:
                break
            bodies.append(each)
        yield dumps([VERSION, fill.ask(dots[at : at + len(bodies)]), fill.answer(bodies)], canonical=True)
        at += len(bodies)


def read_part(payload: bytes, giver: bytes, *, core: bool) -> list[Filling]:
    """The bodies of a part. Of a hollow one nothing proves what is left, so there the giver counts.

    Raises:
        Unreadable: it is no such part.
    """
    reader = FrameReader(payload)
    reader.array(3, 3)
    reader.uint(VERSION, VERSION)
    dots = fill.read_ask(reader.octets(limits.CARRY_PART_BYTES_MAX))
    bodies = fill.read_answer(reader.octets(limits.CARRY_PART_BYTES_MAX), len(dots))
    reader.end()
    return fillings(dots, bodies, giver, core=core)


def lacks_here(log: LogStore, scopes: Set[bytes]) -> list[Dot]:
    """Records of these scopes without their bodies here, as many as one file asks for, causes first."""
    withheld = log.withheld()
    found: list[Dot] = []
    for scope in sorted(withheld_scopes(log) & scopes):
        room = limits.FILL_RECORDS_MAX - len(found)
        found += [(name, seq) for _, name, seq in withheld.of(scope, limit=max(room, 0))]
    return found


def withheld_scopes(log: LogStore) -> set[bytes]:
    """Every scope of which a body lacks here."""
    return set(log.withheld().scopes())


def without(records: tuple[ForeignRecord, ...], scopes: Set[bytes]) -> tuple[ForeignRecord, ...]:
    """The records without the bodies of scopes of which earlier ones lack.

    Shown now, they would wait for those, and hold back what is behind them in their log.
    """
    return tuple(
        ForeignRecord(each.header, None, BodyState.WITHHELD) if each.header.scope in scopes else each
        for each in records
    )
