"""Proof of log.db: every chain walked, every hash recomputed, every head's signature checked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bongsu.log import key
from bongsu.log.epoch import Held
from bongsu.log.reader import Damaged, Reader
from bongsu.log.record import BodyState, Record

RECORDS_AT_ONCE = 500
NEWEST_HEADS = 8
PROBLEMS_MAX = 1_000
BODY_TABLES = ("lasting_bodies", "passing_bodies", "pruned_bodies")


@dataclass(frozen=True, slots=True)
class Report:
    """What `verify` found. `problems`: one sentence each; none means that log.db is what was written."""

    records: int
    logs: int
    problems: tuple[str, ...]


@dataclass(slots=True)
class _Count:
    records: int = 0
    logs: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Statistics:
    """How much log.db holds."""

    records: int
    logs: int
    bodies: int
    hollow: int
    file_bytes: int
    used_bytes: int  # without pages that wait to be written again


def check_newest_heads(reader: Reader) -> None:
    """Check the ends of the logs opened last, which is where a power cut or a broken disk shows first.

    Raises:
        Damaged: an end does not match its hash or its signature.
    """
    for log_id, held, signature in reader.held("ORDER BY l.log_id DESC LIMIT ?", (NEWEST_HEADS,)):
        if held.seq > 0:
            reader.log(log_id, held.seq, 1)
            problem = _head_problem(reader, log_id, held, signature)
            if problem is not None:
                raise Damaged(problem)


def verify(reader: Reader, progress: Callable[[int], None]) -> Report:
    """Walk every log. `progress` is told how many records have been checked so far."""
    counted = _Count()
    try:
        _verify(reader, counted, progress)
    except Damaged as error:
        counted.problems.append(str(error))
    if len(counted.problems) >= PROBLEMS_MAX:
        counted.problems.append("There are more problems than are listed.")
    progress(counted.records)
    return Report(counted.records, counted.logs, tuple(counted.problems))


def _verify(reader: Reader, counted: "_Count", progress: Callable[[int], None]) -> None:
    problems = counted.problems
    problems.extend(_sqlite_problems(reader))
    for log_id, held, signature in list(reader.held("ORDER BY l.log_id")):
        counted.logs += 1
        for outcome in _walk(reader, log_id, held.seq):
            if isinstance(outcome, str):
                problems.append(outcome)
            counted.records += 1
            if counted.records % RECORDS_AT_ONCE == 0:
                progress(counted.records)
            if len(problems) >= PROBLEMS_MAX:
                return
        problem = _head_problem(reader, log_id, held, signature)
        if problem is not None:
            problems.append(problem)
    if counted.records < reader.value("SELECT count(*) FROM records"):
        problems.append("log.db holds records that belong to no log.")
    for table in BODY_TABLES:
        orphans = f"SELECT count(*) FROM {table} WHERE position NOT IN (SELECT position FROM records)"  # noqa: S608
        if reader.value(orphans) > 0:
            problems.append("log.db holds bodies that belong to no record.")


def statistics(reader: Reader) -> Statistics:
    """Count. This reads the whole table: for the command line, not for a metric."""
    pages, free = reader.value("PRAGMA page_count"), reader.value("PRAGMA freelist_count")
    page_bytes = reader.value("PRAGMA page_size")
    return Statistics(
        records=reader.value("SELECT count(*) FROM records"),
        logs=reader.value("SELECT count(*) FROM logs"),
        bodies=sum(reader.value(f"SELECT count(*) FROM {table}") for table in BODY_TABLES),  # noqa: S608
        hollow=reader.value("SELECT count(*) FROM records WHERE state=?", (int(BodyState.HOLLOW),)),
        file_bytes=pages * page_bytes,
        used_bytes=(pages - free) * page_bytes,
    )


def _sqlite_problems(reader: Reader) -> Iterator[str]:
    for (line,) in reader.rows("PRAGMA integrity_check(20)"):
        if line != "ok":
            yield f"SQLite says of log.db: {line}."


def _walk(reader: Reader, log_id: int, head_seq: int) -> Iterator[Record | str]:
    """Each record of a log, or the sentence about it. Only one that cannot be read is read alone."""
    links: dict[bytes, int] = {}
    for first in range(1, head_seq + 1, RECORDS_AT_ONCE):
        last = min(first + RECORDS_AT_ONCE - 1, head_seq)
        try:
            rows = reader.log(log_id, first, last - first + 1)
            found: dict[int, Record | str] = {row.header.seq: row for row in rows}
        except Damaged:
            found = {seq: _alone(reader, log_id, seq) for seq in range(first, last + 1)}
        for seq in range(first, last + 1):
            outcome = found.get(seq, f"Record {seq} of log {log_id} is missing from log.db.")
            if isinstance(outcome, Record):
                scope = outcome.header.scope
                if outcome.header.scope_link != links.get(scope, 0):
                    outcome = f"Record {seq} of log {log_id} does not link to its scope's previous record."
                links[scope] = seq
            yield outcome


def _alone(reader: Reader, log_id: int, seq: int) -> Record | str:
    try:
        rows = reader.log(log_id, seq, 1)
    except Damaged as error:
        return str(error)
    if not rows or rows[0].header.seq != seq:
        return f"Record {seq} of log {log_id} is missing from log.db."
    return rows[0]


def _head_problem(reader: Reader, log_id: int, held: Held, signature: bytes | None) -> str | None:
    if held.seq == 0:
        return None
    last = reader.value("SELECT max(seq) FROM records WHERE log_id=?", (log_id,))
    if last != held.seq:
        return f"Log {log_id} of log.db ends at record {last}, but its head says {held.seq}."
    public = reader.value("SELECT public_key FROM nodes WHERE node=?", (held.log.node,))
    if public is None or signature is None or not key.verify(public, [held.hash], signature):
        return f"The signature of the head of log {log_id} of log.db is not good."
    return None
