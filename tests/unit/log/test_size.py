"""A year of 500 people fits the budget of docs/decisions/log-size.md."""

from collections import deque
from pathlib import Path

from bongsu.clock import SystemClock
from bongsu.log.key import NodeKey
from bongsu.log.record import Draft
from bongsu.log.store import LogStore
from tests.unit.log.year import PEOPLE, Year

SHARE = 200  # of a year
PERSON_DAYS = PEOPLE * 365 // SHARE
LOG_BYTES_A_YEAR_MAX = 1_150_000_000


async def test_a_year_of_500_people_fits(tmp_path: Path) -> None:
    store = LogStore.open(tmp_path / "log.db", NodeKey.generate(), clock=SystemClock(), free_bytes_min=0)
    year = Year(seed=1)
    due: deque[tuple[int, int]] = deque()
    written = 0
    for _ in range(PERSON_DAYS):
        day = year.day_of_one()
        drafts: list[Draft] = [item.draft for item in day]
        records = await store.append(drafts)
        for item, record in zip(day, records, strict=True):
            written += 1
            if item.hollow_after is not None:
                due.append((written + item.hollow_after, record.position))
        ready = [due.popleft()[1] for _ in range(len(due)) if due and due[0][0] <= written]
        if ready:
            await [store.hollow(position, None) for position in ready][-1]
    if due:
        await [store.hollow(position, None) for _, position in due][-1]
    report = store.statistics()
    store.close()
    assert report.hollow == PERSON_DAYS * 30
    assert report.used_bytes * SHARE <= LOG_BYTES_A_YEAR_MAX
