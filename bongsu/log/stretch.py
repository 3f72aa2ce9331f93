"""What of a log can be handed on in one piece: consecutive records up to one that their author signed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bongsu import limits
from bongsu.log.epoch import Held
from bongsu.log.key import NodeKey
from bongsu.log.reader import Reader
from bongsu.log.recent import Recent
from bongsu.log.record import LogName, Record
from bongsu.log.schema import SIGNATURES_AFTER

HEADER_BYTES_ABOUT = 160  # of a record in a bundle, beside its body

# Records of a log, from a seq on, at most so many.
Read = Callable[[LogName, int, int], list[Record]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a stretch goes: to a position, and to so many bytes of bodies and headers about."""

    until: int | None = None
    bytes_max: int = limits.BUNDLE_FILL_BYTES


USUAL = Bounds()


def stretch(
    reader: Reader,
    key: NodeKey,
    held: Held | None,
    after: int,
    bounds: Bounds,
    recent: Recent | None,
    read: Read,
) -> tuple[list[Record], bytes] | None:
    """Records beyond `after` and the author's signature of the last of them, or None.

    Args:
        bounds: kept where one signature does not cover more.
        recent: what need not be read; None where it is not to be had past `read`.
    """
    until, bytes_max = bounds.until, bounds.bytes_max
    if held is None or held.seq <= after:
        return None
    new = recent.after(held.log, after, limits.BUNDLE_RECORDS_MAX) if recent else []
    if new:
        records = _before(until, _fitting(new, held.seq, bytes_max))
        return records, key.sign([records[-1].hash])
    log_id = reader.log_id(held.log)
    # Another node's are signed where that node's bundles ended, which may lie farther apart.
    few = () if until is None else (limits.GIVEN_AHEAD_RECORDS,)
    for limit in (*few, limits.BUNDLE_RECORDS_GIVEN, limits.BUNDLE_RECORDS_MAX):
        fill = limits.BUNDLE_FILL_BYTES if limit == limits.BUNDLE_RECORDS_MAX else bytes_max
        records = _fitting(read(held.log, after + 1, limit), held.seq, fill)
        if not records:
            return None
        near = _before(until, records)[-1].header.seq
        if held.log.node == key.node:
            return records[: near - after], key.sign([records[near - after - 1].hash])
        signed = reader.rows(SIGNATURES_AFTER, (log_id, after, limit))
        fitting = [(seq, signature) for seq, signature in signed if seq <= records[-1].header.seq]
        if fitting:
            seq, signature = next((each for each in reversed(fitting) if each[0] <= near), fitting[0])
            return records[: seq - after], signature
    return None


def _before(until: int | None, records: list[Record]) -> list[Record]:
    """The first of these up to a position, at least one."""
    if until is None:
        return records
    return [record for at, record in enumerate(records) if at == 0 or record.position <= until]


def _fitting(records: Sequence[Record], last_seq: int, bytes_max: int) -> list[Record]:
    """The first of these that one bundle holds, at least one; none beyond `last_seq`."""
    chosen: list[Record] = []
    size = 0
    for record in records:
        size += len(record.body or b"") + HEADER_BYTES_ABOUT
        if record.header.seq > last_seq or (chosen and size > bytes_max):
            break
        chosen.append(record)
    return chosen
