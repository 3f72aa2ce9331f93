"""What the holder of a version vector has not seen of log.db."""

from bongsu.log.epoch import covered, undecided
from bongsu.log.reader import Reader
from bongsu.log.vector import Vector


def positions_beyond(reader: Reader, vector: Vector, head_position: int) -> list[int]:
    """The positions of all records up to `head_position` that `vector` does not cover, in order."""
    held = {state.log: (log_id, state) for log_id, state, _ in reader.held()}
    states = {log: state for log, (_, state) in held.items()}
    sql = "SELECT position FROM records WHERE log_id=? AND seq>? AND position<=?"
    positions: list[int] = []
    for log, (log_id, state) in held.items():
        seq = covered(states, vector, log)
        if seq < state.seq and not undecided(state, vector):
            rows = reader.rows(sql, (log_id, seq, head_position))
            positions.extend(position for (position,) in rows)
    positions.sort()
    return positions
