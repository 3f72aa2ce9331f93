"""A socket in the data directory, by which the command line asks the node that runs on it.

Who may write it owns the data (mode 0600), so it asks for nothing more. One line of JSON each way."""

import asyncio
import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bongsu import limits
from bongsu.errors import FatalError, MatrixError
from bongsu.operate.acts import RUNNING
from bongsu.service import Service

logger = logging.getLogger(__name__)

NAME = "control.sock"


class NobodyRuns(Exception):
    """No node runs on the data."""


@contextmanager
def _address(data: Path) -> Iterator[str]:
    """The socket's path, short whatever the directory's: the system takes no more than 107 bytes."""
    folder = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{NAME}" if Path("/proc/self/fd").is_dir() else str(data / NAME)
    finally:
        os.close(folder)


class Control:
    """The node's end."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._path = service.node.config.data / NAME
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Where that cannot be, commands need a stopped node, and the node serves all the same."""
        # What an earlier process left there; the log's lock says that none runs.
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        before = os.umask(0o177)
        try:
            with _address(self._path.parent) as address:
                listener.bind(address)
            self._server = await asyncio.start_unix_server(
                self._answer, sock=listener, limit=limits.CONTROL_BYTES_MAX
            )
        except OSError as error:
            listener.close()
            logger.warning("%s cannot be listened on (%s): stop the node for commands.", self._path, error)
        finally:
            os.umask(before)

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(limits.CONTROL_S):
                writer.write(json.dumps(await self._done(await reader.readline())).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError, TimeoutError) as error:
            logger.info("a command was not answered: %r", error)
        finally:
            writer.close()

    async def _done(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            act, arguments = RUNNING[asked["act"]], dict(asked["arguments"])
        except (ValueError, KeyError, TypeError):
            return {"error": "The node that runs does not know this command: it may be of another release."}
        try:
            return {"done": await act(self._service, **arguments)}
        except MatrixError as error:
            return {"error": error.error}


def ask(data: Path, act: str, arguments: dict[str, Any]) -> Any:
    """What the node that runs on the data says to a command.

    Raises:
        NobodyRuns: there is none.
        FatalError: it refused, or did not answer.
    """
    line = json.dumps({"act": act, "arguments": arguments}).encode() + b"\n"
    with socket.socket(socket.AF_UNIX) as to, suppress(TimeoutError, ConnectionError):
        to.settimeout(limits.CONTROL_S)
        try:
            with _address(data) as address:
                to.connect(address)
        except PermissionError:
            raise FatalError(
                f"{data / NAME} belongs to somebody else. Run this as who runs the node."
            ) from None
        except OSError:
            raise NobodyRuns from None
        to.sendall(line)
        with to.makefile("rb") as answer:
            said = json.loads(answer.readline() or b"{}")
        if "error" in said:
            raise FatalError(said["error"])
        if "done" in said:
            return said["done"]
    raise FatalError(f"The node that runs on {data} does not answer. Its messages may say why.")
