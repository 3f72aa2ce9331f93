"""An event loop whose time jumps to the next timer, and processes on it that can be killed and stopped."""

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from concurrent import futures
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

T = TypeVar("T")
TASKS_KEPT = 10_000

_process: ContextVar["Process"] = ContextVar("process")


class Stuck(Exception):
    """Nothing is scheduled any more, and the run has not ended."""


class Process:
    """Everything that runs in the context of one node's process. What it schedules belongs to it, too."""

    def __init__(self, loop: "Loop", name: str) -> None:
        self.name = name
        self.alive = True
        self._loop = loop
        self._stopped = False
        self._held: list[tuple[asyncio.Handle, Callable[..., object], tuple[Any, ...], Context]] = []

    def run(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Start a task in this process."""
        context = Context()
        context.run(_process.set, self)
        return self._loop.create_task(work, context=context)

    def kill(self) -> None:
        """As SIGKILL: no line of it runs any more, not even a `finally`."""
        self.alive = False
        self._held.clear()

    def stop(self) -> None:
        """As SIGSTOP."""
        self._stopped = True

    def go_on(self) -> None:
        """As SIGCONT: timers that are due meanwhile fire now."""
        self._stopped = False
        held, self._held = self._held, []
        for handle, callback, arguments, context in held:
            self._loop.call_soon(_unless_cancelled, handle, callback, arguments, context=context)

    def enter(
        self,
        box: list[asyncio.Handle],
        callback: Callable[..., object],
        arguments: tuple[Any, ...],
        context: Context,
    ) -> None:
        """Run a callback of this process, now or when it goes on, or never."""
        if self._stopped and self.alive:
            self._held.append((box[0], callback, arguments, context))
        elif self.alive:
            self._loop.entered += 1
            callback(*arguments)


def _unless_cancelled(
    handle: asyncio.Handle, callback: Callable[..., object], arguments: tuple[Any, ...]
) -> None:
    """What was due while its process stood: another one that was due then may have cancelled it."""
    if not handle.cancelled():
        callback(*arguments)


def process_name() -> str:
    """Which process runs now; "" outside of all."""
    process = _process.get(None)
    return "" if process is None else process.name


class _Future(asyncio.Future[T]):
    """Sets are walked by hash, which is else an address: here the seed says it, and so explores orders."""

    def __init__(self, hashed: int, loop: "Loop") -> None:
        self._hashed = hashed
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._hashed


class _Task(asyncio.Task[T]):
    """The same for tasks."""

    def __init__(self, hashed: int, coro: Coroutine[Any, Any, T], loop: "Loop", **named: Any) -> None:
        self._hashed = hashed
        super().__init__(coro, loop=loop, **named)

    def __hash__(self) -> int:
        return self._hashed


class AtOnce(futures.Executor):
    """A pool without threads: what is handed in is done on the spot."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "futures.Future[T]":
        done: futures.Future[T] = futures.Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


class _Jump(selectors.SelectSelector):
    """Waits for nothing: the time it was told to wait is over at once."""

    loop: "Loop"

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Stuck("nothing is scheduled any more, and the run has not ended")
        self.loop.now += max(0.0, timeout)
        return []


class Loop(asyncio.SelectorEventLoop):
    """Single-threaded and without the outside world; threads' work is done at once."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        # How many callbacks of processes have run: two runs that agree in it took one course.
        self.entered = 0
        self._order = random.Random(f"order {seed}")
        self.tasks: list[asyncio.Task[Any]] = []
        self._tasks_kept = TASKS_KEPT
        jump = _Jump()
        jump.loop = self
        super().__init__(jump)

    def time(self) -> float:
        return self.now

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        within = copy_context() if context is None else context
        process = within.get(_process)
        if process is None:
            return super().call_soon(callback, *args, context=within)
        box: list[asyncio.Handle] = []
        box.append(super().call_soon(process.enter, box, callback, args, within, context=within))
        return box[0]

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        within = copy_context() if context is None else context
        process = within.get(_process)
        if process is None:
            return super().call_at(when, callback, *args, context=within)
        box: list[asyncio.Handle] = []
        handle = super().call_at(when, process.enter, box, callback, args, within, context=within)
        box.append(handle)
        return handle

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def outside(self, delay_s: float, callback: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        """Do something later that belongs to no process: what is on the wire does not die with its sender."""
        return self.call_at(self.now + delay_s, callback, *args, context=Context())

    def create_future(self) -> "asyncio.Future[Any]":
        return _Future(self._order.getrandbits(32), self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Context | None = None
    ) -> "asyncio.Task[T]":
        task = _Task(self._order.getrandbits(32), coro, self, name=name, context=context)
        self.tasks.append(task)
        if len(self.tasks) > self._tasks_kept:
            # A run of days starts millions; only those under way are needed at its end.
            self.tasks = [each for each in self.tasks if not each.done()]
            self._tasks_kept = 2 * len(self.tasks) + TASKS_KEPT
        return task

    def run_in_executor(  # type: ignore[override]
        self, executor: futures.Executor | None, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def end(self) -> None:
        """Throw away what was killed in the middle, so that it does not wake when memory is collected."""
        for task in self.tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                with suppress(BaseException):
                    task.get_coro().close()
        self.tasks.clear()
        self.close()
