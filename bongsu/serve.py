"""Running a node: open it, accept connections, say so, and end cleanly."""

import asyncio
import logging
import signal
import socket
import sys
from typing import Any

import uvloop
from granian.constants import HTTPModes
from granian.http import HTTP1Settings
from granian.server.embed import Server

from bongsu import limits
from bongsu.api.app import App
from bongsu.api.routes import all_routes
from bongsu.api.static import StaticFiles
from bongsu.clock import SystemClock
from bongsu.config import Config
from bongsu.errors import FatalError
from bongsu.gateway.sender import PushSender
from bongsu.node import Node
from bongsu.service import Service

logger = logging.getLogger(__name__)


def run(config: Config) -> int:
    """Serve until SIGTERM or SIGINT. The exit status: 0 after a clean stop, 1 if the store failed."""
    logging.basicConfig(
        level=config.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("_granian").setLevel(logging.ERROR)
    try:
        return uvloop.run(_serve(config))
    except FatalError as error:
        print(f"bongsu: {error}", file=sys.stderr)
        return 1


async def _serve(config: Config) -> int:
    # Inside the loop: the log's writer thread hands results to it.
    node = Node.open(config, SystemClock(), _show_progress)
    await node.introduce()
    loop = asyncio.get_running_loop()
    node.fatal = loop.create_future()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    sender = PushSender(node)
    sender.start()
    host, _, port = config.listen.rpartition(":")
    service = Service(node)
    removed = service.media.sweep()
    if removed:
        logger.info("removed %d media files that nothing names", removed)
    app = App(service, all_routes(), StaticFiles())
    server = Server(
        app,
        address=host.strip("[]"),
        port=int(port),
        http=HTTPModes.http1,
        websockets=False,
        backlog=limits.CONNECTIONS_QUEUED_MAX,
        backpressure=limits.REQUESTS_AT_ONCE_MAX,
        http1_settings=HTTP1Settings(header_read_timeout=limits.HEADER_MS_MAX),
        log_enabled=False,
    )
    serving = asyncio.ensure_future(server.serve())
    await _listening(host.strip("[]"), int(port), serving)
    print(f"bongsu ready at http://{config.listen}", flush=True)
    stopping = asyncio.ensure_future(stop.wait())
    futures: list[asyncio.Future[Any]] = [stopping, node.fatal, serving]
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    # First answer the long polls, then let the server finish what it has, then close the files.
    node.stop()
    server.stop()  # type: ignore[no-untyped-call]
    try:
        await asyncio.wait_for(asyncio.shield(serving), limits.STOP_S)
    except TimeoutError:
        logger.warning("some requests did not end in time")
    await sender.close()
    await node.finish()
    node.close()
    return 1 if node.fatal.done() else 0


async def _listening(host: str, port: int, serving: asyncio.Future[None]) -> None:
    """Return once a connection is accepted.

    Raises:
        FatalError: the address cannot be listened on.
    """
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    while True:
        if serving.done():
            raise FatalError(f"{host}:{port} cannot be listened on. Is another server running there?")
        try:
            _, writer = await asyncio.open_connection(target, port, family=socket.AF_UNSPEC)
        except OSError:
            await asyncio.sleep(0.005)
            continue
        writer.close()
        return


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\rreading the log: {done} of {total}", end="" if done < total else "\n", file=sys.stderr)
