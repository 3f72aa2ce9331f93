"""Runs `bongsu` as processes of its own, forked from one that has loaded the program already.

Loading is most of a start, of which there are hundreds; tests/lab starts the installed program.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from bongsu.lab import processes

SECONDS_MAX = 300

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["bongsu.cli", "bongsu.offline", "bongsu.serve", "tests.program"])


def run(*arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command to its end; its status and what it wrote. `given` is its standard input."""
    words = [str(argument) for argument in arguments]
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name, stream) for stream in ("in", "out", "err")]
        files[0].write_text(given, encoding="utf-8")
        process = _start(words, *files)
        process.join(SECONDS_MAX)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise AssertionError(f"bongsu {words} did not end in {SECONDS_MAX} s")
        out, err = (file.read_text(encoding="utf-8") for file in files[1:])
        return subprocess.CompletedProcess(words, process.exitcode, out, err)


def start(*arguments: object, err: Path) -> tuple[ForkServerProcess, Connection]:
    """Start a command that goes on; the end of a pipe on which it says what it has to say."""
    reader, writer = _context.Pipe(duplex=False)
    with writer:
        process = _start([str(argument) for argument in arguments], Path(os.devnull), writer, err)
    return process, reader


class Forked:
    """A node that was started so, as a laboratory asks after it."""

    def __init__(self, process: ForkServerProcess) -> None:
        assert process.pid is not None
        self.pid = process.pid
        self._process = process

    def poll(self) -> int | None:
        return self._process.exitcode


def launch_node(command: list[str], environment: Mapping[str, str], words: Path) -> processes.Started:
    """Start a node of a laboratory; one of another release is loaded from where that is."""
    if "PYTHONPATH" in environment:
        return processes.launch(command, environment, words)
    return Forked(_start(command[1:], Path(os.devnull), words, words, environment))


def _start(
    words: list[str],
    given: Path,
    out: Path | Connection,
    err: Path,
    environment: Mapping[str, str] | None = None,
) -> ForkServerProcess:
    # As with any process, the environment is that of whoever calls.
    arguments = (words, given, out, err, {**os.environ, **(environment or {})}, Path.cwd())
    process = _context.Process(target=_command, args=arguments)
    process.start()
    return process


def _command(
    words: list[str],
    given: Path,
    out: Path | Connection,
    err: Path,
    environment: Mapping[str, str],
    here: Path,
) -> None:
    from bongsu.cli import main

    for number, stream in enumerate((given, out, err)):
        if isinstance(stream, Path):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND
            file = os.open(stream, flags, 0o600)
        else:
            file = os.dup(stream.fileno())
            stream.close()
        os.dup2(file, number)
        os.close(file)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(here)
    sys.argv = ["bongsu", *words]
    try:
        main()
    finally:
        sys.stdout.flush()
