"""What the command line does on a data directory; what a server that runs on it can do, that does."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

from bongsu.clock import SystemClock
from bongsu.config import Config
from bongsu.errors import FatalError
from bongsu.node import Node
from bongsu.operate import acts, control
from bongsu.operate.against import Ask, Told, ask, compare
from bongsu.service import Service
from bongsu.view import incidents, media
from bongsu.view.context import Context
from bongsu.view.db import Database
from bongsu.view.digests import digests
from bongsu.view.rebuild import rebuild as rebuild_view

T = TypeVar("T")
PrintLine = Callable[[str], None]
AGAINST_S = 10.0


def run_stopped(config: Config, work: Callable[[Service], Awaitable[T]]) -> T:
    """Open the node, do the work, close it again.

    Raises:
        FatalError: a server runs on the data directory, or it is damaged.
    """

    async def opened() -> T:
        node = Node.open(config, SystemClock(), _silent)
        try:
            # Nobody is linked with a node that serves nobody.
            node.promises.nobody()
            await node.introduce()
            return await work(Service(node))
        finally:
            node.close()

    return asyncio.run(opened())


def _check_used(config: Config) -> None:
    """Refuse to make a service out of a mistyped directory.

    Raises:
        FatalError: there are no data.
    """
    if not Path(config.data, "log.db").is_file():
        raise FatalError(f"There is no service in {config.data}. Check the setting data.")


def _silent(done: int, total: int) -> None:
    """Progress of steps that take no time worth showing."""


def act(config: Config, name: str, /, **arguments: Any) -> Any:
    """Let the node that runs on the data do one of `acts.ACTS`, or do it here if none runs.

    Raises:
        FatalError, MatrixError: it cannot be done; the message says why.
    """
    if name not in acts.BEGINNING:
        _check_used(config)
    try:
        return control.ask(config.data, name, arguments)
    except control.NobodyRuns:
        return run_stopped(config, partial(acts.ACTS[name], **arguments))


def verify(config: Config, print_line: PrintLine) -> int:
    """Check the log, that the view equals a rebuild, and the media; the number of problems, each printed."""
    _check_used(config)

    async def work(service: Service) -> int:
        node = service.node
        print_line("Checking every chain, hash and signature of the log.")
        report = node.log.verify(_every(10_000, print_line, "records checked"))
        problems = list(report.problems)
        if problems:
            print_line("The log is damaged, so the view is not compared with a rebuild.")
        else:
            print_line(f"{report.records} records in {report.logs} logs. Comparing the view with a rebuild.")
            problems += _compare(config, node.context)
            problems += incidents.problems(node.context)
        print_line("Reading every media file.")
        checked = (service.media.files.problem(*each) for each in media.stored(node.context))
        problems += [problem for problem in checked if problem is not None]
        for problem in problems:
            print_line(problem)
        return len(problems)

    return run_stopped(config, work)


def verify_against(config: Config, url: str | None, others: Sequence[str], print_line: PrintLine) -> int:
    """Compare a node's digests with those of running ones; the number of differences, each printed."""
    if url is None:
        _check_used(config)

        async def told() -> Told:
            # Nothing is written: a copy that has no certificate yet can be compared, too.
            node = Node.open(config, SystemClock(), _silent)
            try:
                return Told(
                    "here", node.vector.encode().hex(), digests(node.context.db.path), node.config.role
                )
            finally:
                node.close()

        mine = asyncio.run(told())
        asks: list[Ask] = [lambda: mine]
    else:
        asks = [partial(ask, url)]
    asks += [partial(ask, other) for other in others]
    print_line(f"Comparing {len(asks)} nodes, room by room.")
    problems = compare(asks, AGAINST_S)
    for problem in problems:
        print_line(problem)
    return len(problems)


def _compare(config: Config, context: Context) -> list[str]:
    """Rebuild the view beside the one in use; a sentence for each table that differs."""
    with tempfile.TemporaryDirectory(dir=config.data) as folder:
        root_key = context.authorities.root_key
        rebuilt = rebuild_view(Path(folder) / "view.db", context.log, root_key, SystemClock().now_ms, _silent)
        found = differences(context.db, rebuilt)
        rebuilt.close()
    return found


def _every(step: int, print_line: PrintLine, what: str) -> Callable[[int], None]:
    shown = 0

    def progress(done: int) -> None:
        nonlocal shown
        if done >= shown + step:
            shown = done
            print_line(f"{done} {what}")

    return progress


def differences(one: Database, other: Database) -> list[str]:
    """A sentence for each table whose rows differ. Tables of the text search's index are left out."""
    found = []
    listed = one.all("SELECT name FROM pragma_table_list WHERE type='table' AND schema='main' ORDER BY name")
    for (table,) in listed:
        # What is still to be dropped from the log is not a view of it, nor how far texts are indexed.
        if table.startswith("sqlite_") or table in ("hollowing", "text_mark"):
            continue
        columns = len(one.all(f"PRAGMA table_info({table})"))
        order = ", ".join(str(number + 1) for number in range(columns))
        sql = f"SELECT * FROM {table} ORDER BY {order}"  # noqa: S608 - names of our own schema
        pairs = zip_longest(one.connection.execute(sql), other.connection.execute(sql))
        for ours, theirs in pairs:
            if ours != theirs:
                found.append(f"The view's table {table} differs from a rebuild: {ours} is {theirs} there.")
                break
    return found


def rebuild(config: Config, print_line: PrintLine) -> int:
    """Drop the view and build it anew from the log; the number of records read."""
    _check_used(config)

    async def opened() -> int:
        shown = 0

        def progress(done: int, total: int) -> None:
            nonlocal shown
            share = 100 * done // max(total, 1)
            if share >= shown + 10 or done == total:
                shown = share
                print_line(f"[{'#' * (share // 5):<20}] {share} %, {done} of {total} records")

        node = Node.open(config, SystemClock(), progress, fresh_view=True)
        try:
            return node.log.head_position
        finally:
            node.close()

    return asyncio.run(opened())
