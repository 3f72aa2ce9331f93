"""A real `bongsu serve` process for tests: start, stop, kill, verify."""

import os
import queue
import socket
import sys
import threading
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests import program

BONGSU = Path(sys.executable).with_name("bongsu")
READY_SECONDS_MAX = 60
STOP_SECONDS_MAX = 5


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """One node on loopback with its own data directory; it keeps its port over restarts."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.data = folder / "data"
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        self.errors = folder / "stderr.txt"
        self._options = ("--registration", "open", "--rate-limits", "off", *options)
        self._process: ForkServerProcess | None = None
        self._reader: threading.Thread | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server does not run"
        assert self._process.pid is not None
        return self._process.pid

    def start(self) -> None:
        """Start the process and wait for the line that says it accepts connections."""
        assert self._process is None, "the server runs already"
        command = ("serve", "--listen", self.address, "--data", self.data, *self._options)
        self._process, said = program.start(*command, err=self.errors)
        # A pipe that nobody empties would stop the server one day, so a thread reads on after the first line.
        lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(said, lines))
        self._reader.start()
        try:
            line = lines.get(timeout=READY_SECONDS_MAX)
        except queue.Empty:
            line = ""
        if line != f"bongsu ready at {self.url}":
            self.kill()
            raise AssertionError(f"The server said {line!r} and not that it is ready. {self._said()}")

    @staticmethod
    def _read(said: Connection, lines: "queue.Queue[str]") -> None:
        with said, os.fdopen(os.dup(said.fileno()), encoding="utf-8") as output:
            for line in output:
                lines.put(line.rstrip("\n"))
        lines.put("")

    def stop(self) -> None:
        """End it as an operator would, and hold it to a clean end in time."""
        assert self._process is not None, "the server does not run"
        self._process.terminate()
        self._process.join(STOP_SECONDS_MAX)
        code = self._process.exitcode
        if code is None:
            self.kill()
            raise AssertionError(f"SIGTERM did not end it in {STOP_SECONDS_MAX} s. {self._said()}")
        self._ended()
        assert code == 0, f"It ended with {code}. {self._said()}"
        assert "Traceback" not in self._said(), self._said()

    def kill(self) -> None:
        """End it as a power cut would; nothing is flushed, nobody is told."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._ended()

    def _ended(self) -> None:
        assert self._reader is not None
        self._reader.join()
        self._process = self._reader = None

    def run(self, *command: str) -> str:
        """Run another command of the program; what it printed. It must succeed."""
        ran = program.run(*command)
        assert ran.returncode == 0, f"bongsu {command} said:\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    def verify(self) -> None:
        """Hold the data to `bongsu verify`; the server must not run."""
        checked = program.run("verify", "--data", self.data)
        assert checked.returncode == 0, f"bongsu verify found:\n{checked.stdout}{checked.stderr}"

    def _said(self) -> str:
        return f"Its standard error ends:\n{self.errors.read_text(encoding='utf-8')[-4000:]}"
