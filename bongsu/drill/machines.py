"""Faults of a machine under a real node: a slow disk, a full one, a clock that jumps. As root, on Debian.

strace delays the node's own fsyncs, a small file system in memory fills up, libfaketime turns the clock."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from bongsu.errors import FatalError
from bongsu.lab import commands, processes
from bongsu.lab.plan import NodePlan, Plan, Process

SLOW_FSYNC_US = 250_000
SMALL_DISK_MIB = 64
FREE_MIN_MIB = 16
FILLER = "filler"
FAKETIME = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
)

_tracers: list["subprocess.Popen[bytes]"] = []
_mounts: list[Path] = []


def slow(plan: Plan, struck: list[Process]) -> None:
    """Every fsync of the node takes a quarter of a second longer."""
    if shutil.which("strace") is None:
        raise FatalError("This drill needs strace: apt-get install strace.")
    for process in _nodes(struck):
        command = ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(process.pid)]
        command += ["-e", "trace=fsync,fdatasync", "-e", f"inject=fsync,fdatasync:delay_exit={SLOW_FSYNC_US}"]
        _tracers.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))  # noqa: S603


def quick(plan: Plan, struck: list[Process]) -> None:
    """The disk is as it was."""
    for tracer in _tracers:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
    _tracers.clear()


def shrink(plan: Plan, struck: list[Process]) -> None:
    """The node's data move to a disk of 64 MiB, of which it keeps 16 free."""
    if os.geteuid() != 0:
        raise FatalError("This drill mounts a small disk, which only root can.")
    for node in _nodes(struck):
        processes.end([node])
        data = Path(node.data)
        aside = data.with_name("data.aside")
        data.rename(aside)
        data.mkdir(mode=0o700)
        _run("mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MIB}m", "tmpfs", str(data))
        _mounts.append(data)
        shutil.copytree(aside, data, dirs_exist_ok=True)
        shutil.rmtree(aside)
        node.environment = {"BONGSU_FREE_BYTES_MIN": str(FREE_MIN_MIB * 2**20)}
    commands.start_all(plan)


def fill(plan: Plan, struck: list[Process]) -> None:
    """Something else fills the disk to the last block."""
    for node in _nodes(struck):
        block = bytes(2**20)
        try:
            with Path(node.data, FILLER).open("wb", buffering=0) as file:
                while file.write(block) == len(block):
                    pass
        except OSError:
            continue  # full, as meant


def empty(plan: Plan, struck: list[Process]) -> None:
    """There is room again."""
    for node in _nodes(struck):
        Path(node.data, FILLER).unlink(missing_ok=True)


def fake_clock(plan: Plan, struck: list[Process]) -> None:
    """The node runs under a clock that the drill can turn."""
    library = next((path for path in FAKETIME if Path(path).exists()), None)
    if library is None:
        raise FatalError("This drill needs libfaketime: apt-get install faketime.")
    for node in _nodes(struck):
        processes.end([node])
        turn = _clock(node)
        turn.write_text("+0s", encoding="ascii")
        node.environment = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(turn),
            "FAKETIME_NO_CACHE": "1",
            # Waiting goes by the clock that never jumps.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
    commands.start_all(plan)


def ahead(plan: Plan, struck: list[Process]) -> None:
    """The clock jumps three hours ahead."""
    _turn(struck, "+3h")


def behind(plan: Plan, struck: list[Process]) -> None:
    """The clock jumps to two days ago."""
    _turn(struck, "-2d")


def right(plan: Plan, struck: list[Process]) -> None:
    """The clock is right again."""
    _turn(struck, "+0s")


def undo() -> None:
    """Leave nothing behind, whatever came in between; the laboratory has ended."""
    for tracer in _tracers:
        tracer.kill()
        tracer.wait(10)
    _tracers.clear()
    for data in _mounts:
        _run("umount", "-l", str(data))
    _mounts.clear()


def _nodes(struck: list[Process]) -> list[NodePlan]:
    return [process for process in struck if isinstance(process, NodePlan)]


def _clock(node: NodePlan) -> Path:
    return Path(node.config).with_name("clock")


def _turn(struck: list[Process], offset: str) -> None:
    for node in _nodes(struck):
        _clock(node).write_text(offset, encoding="ascii")


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0:
        raise FatalError(f"{' '.join(command)} failed: {done.stderr.strip()}")
