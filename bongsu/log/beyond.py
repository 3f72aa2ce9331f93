"""What the holder of a version vector has not seen of log.db."""

from collections.abc import Callable, Collection

from bongsu.log.epoch import Held, covered, undecided, vector_at
from bongsu.log.reader import Reader
from bongsu.log.record import SCOPE_BYTES, Lane, LogName
from bongsu.log.vector import Vector


def positions_beyond(
    reader: Reader, vector: Vector, head_position: int, scopes: Collection[bytes] | None = None
) -> list[int]:
    """The positions of all records up to `head_position` that `vector` does not cover, in order.

    `scopes`: only of those whose names begin so.
    """
    of_scopes = "" if scopes is None else f" AND scope_id IN ({_scope_ids(reader, scopes)})"
    held = {state.log: (log_id, state) for log_id, state, _ in reader.held()}
    states = {log: state for log, (_, state) in held.items()}
    sql = f"SELECT position FROM records WHERE log_id=? AND seq>? AND position<=?{of_scopes}"  # noqa: S608
    positions: list[int] = []
    for log, (log_id, state) in held.items():
        seq = covered(states, vector, log)
        if seq < state.seq and not undecided(states, state, vector):
            rows = reader.rows(sql, (log_id, seq, head_position))
            positions.extend(position for (position,) in rows)
    positions.sort()
    return positions


def _scope_ids(reader: Reader, scopes: Collection[bytes]) -> str:
    sql = "SELECT scope_id FROM scopes WHERE scope BETWEEN ? AND ?"
    found = []
    for each in scopes:
        left = SCOPE_BYTES - len(each)
        found += reader.rows(sql, (each + bytes(left), each + b"\xff" * left))
    return ",".join(str(scope_id) for (scope_id,) in found)


def vector_up_to(reader: Reader, position: int, lane: Lane, head_position: int) -> Vector:
    """What had arrived up to `head_position`, but of the logs of `lane` only up to `position`."""
    held: dict[LogName, Held] = {}
    seqs: dict[LogName, int] = {}
    sql = "SELECT seq FROM records WHERE log_id=? AND position<=? ORDER BY seq DESC LIMIT 1"
    for log_id, state, _ in reader.held():
        upto = min(position, head_position) if state.log.lane == lane else head_position
        held[state.log] = state
        seqs[state.log] = reader.value(sql, (log_id, upto)) or 0
    return vector_at(held, seqs)


def covered_by(state_of: Callable[[LogName], Held | None], vector: Vector, log: LogName) -> int:
    """Up to which seq the holder of `vector` has the log."""
    states: dict[LogName, Held] = {}
    left = [log]
    while left:
        name = left.pop()
        state = state_of(name) if name not in states else None
        if state is not None:
            states[name] = state
            left.extend(each.log for each in state.namings)
    return covered(states, vector, log)
