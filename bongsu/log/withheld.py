"""Records held without their bodies: which those are, and what becomes of one whose body comes. DESIGN 7."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bongsu import limits
from bongsu.log.reader import Reader
from bongsu.log.record import BodyState, LogName, Record, body_hash

# (stamp, position) of a record.
Place = tuple[int, int]
BEGINNING: Place = (-1, -1)

_OF_SCOPE = (
    "SELECT r.position, r.stamp, l.node, l.epoch, l.lane, r.seq FROM records r JOIN logs l USING(log_id)"
    " WHERE r.state=2 AND r.scope_id=(SELECT scope_id FROM scopes WHERE scope=?)"
    " AND (r.stamp, r.position)>(?,?) ORDER BY r.stamp, r.position LIMIT ?"
)
_FIRSTS = (
    "SELECT l.node, l.epoch, l.lane, min(r.seq) FROM records r JOIN logs l USING(log_id)"
    " WHERE r.state=2 AND r.scope_id=(SELECT scope_id FROM scopes WHERE scope=?) GROUP BY r.log_id"
)
# One step of the index a scope: of a room of a million records one is read.
_SCOPES = (
    "WITH RECURSIVE each(scope_id) AS (SELECT min(scope_id) FROM records WHERE state=2 UNION ALL"
    " SELECT (SELECT min(scope_id) FROM records WHERE state=2 AND scope_id>each.scope_id) FROM each"
    " WHERE scope_id IS NOT NULL) SELECT scope FROM each JOIN scopes USING(scope_id)"
)


@dataclass(frozen=True, slots=True)
class Filling:
    """A body as somebody gives it: `seq` of `log`. FULL, or HOLLOW with its pruned form or none."""

    log: LogName
    seq: int
    state: BodyState
    body: bytes | None


class Withheld:
    """What could still be filled here, as it is on disk."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def scopes(self) -> list[bytes]:
        """Every scope of which a body is withheld."""
        return [scope for (scope,) in self._reader.rows(_SCOPES)]

    def firsts(self, scope: bytes) -> dict[LogName, int]:
        """Of each log the first record of a scope that lacks its body."""
        rows = self._reader.rows(_FIRSTS, (scope,))
        return {Reader.name(*row[:3]): row[3] for row in rows}

    def of(self, scope: bytes, after: Place = BEGINNING, limit: int = 1) -> list[tuple[Place, LogName, int]]:
        """Up to `limit` records of a scope that lack their bodies: (place, log, seq).

        By stamp, because an event's stamp exceeds those of the events it builds on.
        """
        rows = self._reader.rows(_OF_SCOPE, (scope, *after, limit))
        return [((row[1], row[0]), Reader.name(*row[2:5]), row[5]) for row in rows]


def refilled(
    reader: Reader, fillings: Iterable[Filling], passed_over: set[int], first_position: int
) -> list[tuple[int, Record]]:
    """Each filling that fits a withheld record: the position that leaves, and the record with its body.

    What fits nothing is passed over: it came twice, or the giver lies.
    """
    found: list[tuple[int, Record]] = []
    taken: set[int] = set()
    for filling in fillings:
        log_id = reader.log_id(filling.log)
        rows: Sequence[Record] = [] if log_id is None else reader.log(log_id, filling.seq, 1)
        if (
            not rows
            or rows[0].position in passed_over
            or rows[0].position in taken
            or not _fits(rows[0], filling)
        ):
            continue
        taken.add(rows[0].position)
        position = first_position + len(found)
        record = replace(rows[0], position=position, state=filling.state, body=filling.body)
        found.append((rows[0].position, record))
    return found


def _fits(record: Record, filling: Filling) -> bool:
    if record.state != BodyState.WITHHELD:
        return False
    if filling.state == BodyState.HOLLOW:
        return filling.body is None or len(filling.body) <= limits.RECORD_BODY_BYTES_MAX
    full = filling.state == BodyState.FULL and filling.body is not None
    return full and body_hash(filling.body or b"") == record.header.body_hash
