"""Starting and ending the processes of a laboratory, each by its own id and no other."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from bongsu.errors import FatalError
from bongsu.lab.plan import LinkPlan, NodePlan, Process

# A node whose log was damaged first derives its view anew: some 4,000 records a second on a quiet machine.
READY_S = 180
END_S = 8


class Started(Protocol):
    """A process that this very command started."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None:
        """Its exit status once it has ended."""


def launch(command: list[str], environment: Mapping[str, str], words: Path) -> Started:
    """Start a command in a session of its own, so that it outlives this one; what it says goes to `words`."""
    with words.open("ab") as output:
        return subprocess.Popen(  # noqa: S603
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


Launch = Callable[[list[str], Mapping[str, str], Path], Started]
# Who starts hundreds of nodes may have a quicker way than to load the whole program for each.
launch_node: Launch = launch

# Those that this very command started: they are its to wait for. Others belong to init.
_children: dict[int, Started] = {}


def spawn(process: Process) -> None:
    """Start it; its words go to a file beside its settings."""
    home = Path(process.config).parent
    programs = Path(sys.executable).parent
    start: Launch = launch
    environment: dict[str, str] = {}
    if isinstance(process, NodePlan):
        command = [str(programs / "bongsu"), "serve", "--config", process.config]
        start, environment = launch_node, process.environment
    elif isinstance(process, LinkPlan):
        module = "bongsu.lab.air" if process.radio else "bongsu.lab.relay"
        command = [sys.executable, "-m", module, process.config]
    else:
        command = [str(programs / "nats-server"), "-c", process.config]
    if process.namespace:
        # It becomes the command: the id stays the same.
        command = ["ip", "netns", "exec", process.namespace, *command]
        start = launch
    child = start(command, environment, home / f"{process.name}.log")
    process.pid = child.pid
    _children[child.pid] = child


def wait_ready(node: NodePlan, offset: int) -> None:
    """Return when the node said that it is ready, in what it wrote beyond `offset`.

    Raises:
        FatalError: it ended, or said nothing in time.
    """
    words = Path(node.config).parent / f"{node.name}.log"
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        said = words.read_bytes()[offset:] if words.exists() else b""
        if b"bongsu ready at " in said:
            return
        if not is_running(node):
            raise FatalError(f"The node {node.name} ended: {said.decode(errors='replace').strip()}")
        time.sleep(0.02)
    raise FatalError(f"The node {node.name} is not ready after {READY_S} s. Its words are in {words}.")


def wait_wired(link: LinkPlan) -> None:
    """Return when the wire takes connections.

    Raises:
        FatalError: it ended, or takes none in time.
    """
    host, _, port = link.listen.rpartition(":")
    deadline = time.monotonic() + READY_S
    while is_running(link) and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.02)
    raise FatalError(f"The wire {link.name} cannot be laid: something else listens at {link.listen}.")


def words_size(node: NodePlan) -> int:
    """How much the node has written so far."""
    words = Path(node.config).parent / f"{node.name}.log"
    return words.stat().st_size if words.exists() else 0


def is_running(process: Process) -> bool:
    """Whether the process with this id is still the one that was started."""
    if process.pid <= 0:
        return False
    child = _children.get(process.pid)
    if child is not None:
        if child.poll() is None:
            # Its id is its own until it is waited for; its command line is empty for a moment at the start.
            return True
        del _children[process.pid]
    try:
        stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii", errors="replace")
        command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    except OSError:
        return False
    # A process that has ended and was not waited for has no command line; an id may be used anew.
    return stat.rpartition(")")[2].split()[0] != "Z" and process.config.encode() in command


def end(processes: list[Process]) -> None:
    """Ask them to end, and kill what does not."""
    for process in processes:
        _signal(process, signal.SIGCONT)
        _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + END_S
    while any(is_running(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in processes:
        kill(process)


def kill(process: Process) -> None:
    """End it as a fire does."""
    _signal(process, signal.SIGKILL)
    while is_running(process):
        time.sleep(0.005)
    process.pid = 0


def _signal(process: Process, number: signal.Signals) -> None:
    if is_running(process):
        os.kill(process.pid, number)
