"""What of a log can be handed on in one piece: consecutive records up to one that their author signed."""

from collections.abc import Callable, Sequence

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


def stretch(
    reader: Reader,
    key: NodeKey,
    held: Held | None,
    after: int,
    recent: Recent | None,
    read: Read,
    bytes_max: int = limits.BUNDLE_FILL_BYTES,
) -> tuple[list[Record], bytes] | None:
    """Records beyond `after` and the author's signature of the last of them, or None.

    `recent`: what need not be read; None where it is not to be had past `read`. `bytes_max`: of bodies and
    headers about, but for a single larger record, and for what another node signed as a whole.
    """
    new = recent.after(held.log, after, limits.BUNDLE_RECORDS_MAX) if recent and held else []
    if held is not None and new:
        records = _fitting(new, held.seq, bytes_max)
        return records, key.sign([records[-1].hash])
    log_id = None if held is None else reader.log_id(held.log)
    if log_id is None or held is None or held.seq <= after:
        return None
    # Another node's are signed where that node's bundles ended, which may lie farther apart.
    for limit, fill in (
        (limits.BUNDLE_RECORDS_GIVEN, bytes_max),
        (limits.BUNDLE_RECORDS_MAX, limits.BUNDLE_FILL_BYTES),
    ):
        records = _fitting(read(held.log, after + 1, limit), held.seq, fill)
        if not records:
            return None
        if held.log.node == key.node:
            return records, key.sign([records[-1].hash])
        signed = reader.rows(SIGNATURES_AFTER, (log_id, after, limit))
        fitting = [(seq, signature) for seq, signature in signed if seq <= records[-1].header.seq]
        if fitting:
            seq, signature = fitting[-1]
            return records[: seq - after], signature
    return None


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
