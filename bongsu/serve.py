"""Running a node: open it, accept connections, say so, and end cleanly."""

import asyncio
import gc
import logging
import signal
import socket
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import uvloop
from granian.constants import HTTPModes
from granian.http import HTTP1Settings
from granian.server.embed import Server

from bongsu import limits, suspicion
from bongsu.api.app import App
from bongsu.api.bongsu_sites import base_urls
from bongsu.api.routes import admin_routes, all_routes
from bongsu.api.static import StaticFiles
from bongsu.bearer.websocket import LinkApp, end_point, machines_trust
from bongsu.clock import SystemClock
from bongsu.config import Config
from bongsu.console.status import Told
from bongsu.console.tasks import TowerTasks
from bongsu.errors import FatalError
from bongsu.filling import Filling
from bongsu.gateway.sender import PushSender
from bongsu.hub.plain import PlainApp
from bongsu.log.reader import Damaged
from bongsu.node import Node
from bongsu.operate.control import Control
from bongsu.operate.figures import figures
from bongsu.operate.health import Health
from bongsu.operate.messages import set_up
from bongsu.operate.parts import Parts
from bongsu.operate.start import open_service
from bongsu.operate.watch import Watch
from bongsu.peers import Peers
from bongsu.rederive import Rederiver
from bongsu.service import Service
from bongsu.setting_values import reached_at

# What one node in three needs is loaded by that one: a start is half a second, and most of it is loading.
if TYPE_CHECKING:
    from bongsu.bearer.nats import Fabric
    from bongsu.hub.neighbours import Neighbours

logger = logging.getLogger(__name__)


def run(config: Config) -> int:
    """Serve until SIGTERM or SIGINT. The exit status: 0 after a clean stop, 1 if the store failed."""
    set_up(config.log_level, config.log_format)
    try:
        return uvloop.run(_serve(config))
    except FatalError as error:
        print(f"bongsu: {error}", file=sys.stderr)
        return 1
    except Damaged as damage:
        if config.has_several_sites:
            suspicion.note(config.data, damage)
        print(f"bongsu: {damage} Run `bongsu verify`.", file=sys.stderr)
        return 1


async def _serve(config: Config) -> int:
    # Inside the loop: the log's writer thread hands results to it.
    service = await open_service(config, SystemClock(), _show_progress)
    node = service.node
    node.fatal = asyncio.get_running_loop().create_future()
    stop = _stop_signal()
    sender = PushSender(node, service.peers)
    sender.start()
    rederiver = Rederiver(node)
    rederiver.start()
    _sweep(service)
    peers = service.peers
    fabric = _fabric(service)
    filling = Filling(node, peers)
    app = App(service, all_routes(), StaticFiles(sites=lambda: base_urls(node)))
    watch = Watch(service, app)
    parts = Parts(service, fabric, sender, filling, watch, app.counts, node.now_ms())
    listeners = _listeners(config, app, parts)
    for listener in listeners:
        await listener.start()
    await _ask_certificate(config, node, listeners)
    peers.start(config.peers, _given_context(config, context := _peer_context(config)))
    neighbours = await _neighbours(service, context)
    tower = TowerTasks(
        node, peers, service.author, service.power, service.feeds, _told(parts), restart=stop.set
    )
    await tower.start()
    filling.start()
    watch.start()
    service.start()
    control = Control(service)
    await control.start()
    if fabric is not None:
        fabric.start(config.nats, context)
    _collect_seldom()
    print(f"bongsu ready at {'https' if config.tls else 'http'}://{config.listen}", flush=True)
    await _until(stop, node.fatal, listeners)
    # First answer the long polls, then let the server finish what it has, then close the files.
    node.stop()
    await control.close()
    await tower.close()
    if neighbours is not None:
        await neighbours.close()
    await filling.close()
    await watch.close()
    await listeners[0].stop()
    await sender.close()
    await service.close()
    await rederiver.close()
    await node.finish()
    # The links go last: what this node acknowledged is not to be missing elsewhere until it comes back.
    await peers.drained()
    node.wait_for_nobody()
    if fabric is not None:
        await fabric.stop()
    await peers.stop()
    for listener in listeners[1:]:
        await listener.stop()
    node.close()
    return 1 if node.fatal.done() else 0


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    return stop


def _collect_seldom() -> None:
    """Look for garbage less often, and never again among what the program itself consists of.

    A request leaves hardly any garbage in circles, and looking for it every 700 objects costs 2 to 5 % of a
    busy node's CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(limits.GARBAGE_OBJECTS, *gc.get_threshold()[1:])


def _told(parts: Parts) -> Told:
    """What this node tells the tower of every site."""
    health = Health(parts)
    return Told(health.problems, lambda: figures(parts), health.examine)


def _fabric(service: Service) -> "Fabric | None":
    """The fabric between core sites, where there is one; names are locked in it."""
    config = service.node.config
    if not config.nats:
        return None
    from bongsu.bearer.locks import NatsLocks
    from bongsu.bearer.nats import Fabric

    fabric = Fabric(config.server_name, service.node.log.key.node, service.peers.meet)
    names = service.names
    names.locks = NatsLocks(fabric.client, config.server_name, len(config.nats), names.known)
    return fabric


def _listeners(config: Config, app: App, parts: Parts) -> list["_Listener"]:
    """The public one first."""
    if config.tls_order and config.tls is not None:
        from bongsu.hub.tls import prepare

        prepare(config.tls, urlsplit(config.base_url).hostname or "")
    found = [_Listener(config.listen, app, config.tls), *_plain(parts.service)]
    if config.private_listen is not None:
        from bongsu.operate.private import PrivateApp

        found.append(_Listener(config.private_listen, PrivateApp(parts), None))
    if config.admin_listen is not None:
        files = StaticFiles(sites=lambda: base_urls(parts.service.node), admin=True)
        admin = App(parts.service, admin_routes(), files)
        found.append(_Listener(config.admin_listen, admin, config.tls))
    if config.peer_listen is not None:
        found.append(_for_nodes(config, config.peer_listen, parts.service.peers))
    return found


def _for_nodes(config: Config, listen: str, peers: Peers) -> "_Listener":
    """Where links are taken: by the authority's certificate, or by one of this node's own."""
    folder, named = config.peer_tls, b""
    if folder is None and not config.peer_plain:
        from bongsu.hub.tls import prepare

        # For good: nobody looks at its dates, and a node on a full disk starts by it too.
        prepare(folder := config.data / "peer-tls", "bongsu")
        text = (folder / "certificate.pem").read_text(encoding="ascii")
        named = end_point(ssl.PEM_cert_to_DER_cert(text))
    return _Listener(listen, LinkApp(peers.serve, named), folder, peers=True, authority=not named)


async def _ask_certificate(config: Config, node: Node, listeners: list["_Listener"]) -> None:
    """Where a hub's certificate comes from its data centre: ask for it, and use it from when it comes on."""

    def reload() -> None:
        for listener in listeners:
            if listener.tls == config.tls:
                listener.reload()

    if config.tls_order and config.tls is not None:
        from bongsu.hub.tls_order import TlsAsker

        await TlsAsker(node, config.tls, reload).start()


async def _neighbours(service: Service, context: ssl.SSLContext | None) -> "Neighbours | None":
    """Those on the LAN, looked for where the settings say so."""
    config = service.node.config
    if config.mdns == "off" or (config.mdns == "auto" and config.role != "hub"):
        return None
    from bongsu.hub.neighbours import Neighbours

    neighbours = Neighbours(service.node, service.peers, context)
    await neighbours.start()
    return neighbours


def _plain(service: Service) -> list["_Listener"]:
    """A hub's plain HTTP on its Wi-Fi, where the settings say so."""
    node, config = service.node, service.node.config
    if config.plain_listen is None:
        return []
    app = PlainApp(node.context, node.now_ms, config.site, config.base_url, service.power, config.operators)
    return [_Listener(config.plain_listen, app, None)]


def _sweep(service: Service) -> None:
    removed = service.media.sweep()
    if removed:
        logger.info("removed %d media files that nothing names", removed)


async def _until(
    stop: asyncio.Event, fatal: "asyncio.Future[FatalError]", listeners: list["_Listener"]
) -> None:
    """Wait until the node is told to stop, has to, or is no longer listened to."""
    stopping = asyncio.ensure_future(stop.wait())
    futures: list[asyncio.Future[Any]] = [stopping, fatal]
    futures += [listener.serving for listener in listeners]
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()


class _Listener:
    """One address that is listened on, and what answers there."""

    def __init__(
        self, listen: str, app: Any, tls: Path | None, *, peers: bool = False, authority: bool = False
    ) -> None:
        host, _, port = listen.rpartition(":")
        self.host, self.port = host.strip("[]"), int(port)
        self.tls = tls
        self._server = Server(
            app,
            address=self.host,
            port=self.port,
            http=HTTPModes.http1,
            websockets=peers,
            backlog=limits.CONNECTIONS_QUEUED_MAX,
            backpressure=limits.REQUESTS_AT_ONCE_MAX,
            http1_settings=HTTP1Settings(header_read_timeout=limits.HEADER_MS_MAX),
            log_enabled=False,
            ssl_cert=None if tls is None else tls / "certificate.pem",
            ssl_key=None if tls is None else tls / "key.pem",
            # Nodes of an authority show its certificates to each other; nobody else has one.
            ssl_ca=tls / "ca.pem" if tls is not None and authority else None,
            ssl_client_verify=tls is not None and authority,
        )
        self.serving: asyncio.Future[None]

    async def start(self) -> None:
        """Return once a connection is accepted.

        Raises:
            FatalError: the address cannot be listened on.
        """
        _free(self.host, self.port)
        self.serving = asyncio.ensure_future(self._server.serve())
        await _listening(self.host, self.port, self.serving)

    def reload(self) -> None:
        """Accept connections by the certificate that lies there now; those under way go on by the old one."""
        self._server.reload()  # type: ignore[no-untyped-call]

    async def stop(self) -> None:
        """Let requests under way end, within a bound."""
        self._server.stop()  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout(limits.STOP_S):
                await asyncio.shield(self.serving)
        except TimeoutError:
            logger.warning("some requests did not end in time")


def _peer_context(config: Config) -> ssl.SSLContext | None:
    """How this node calls others: it trusts only the service's own authority, and shows its certificate."""
    if config.peer_tls is None:
        return None
    context = ssl.create_default_context(cafile=str(config.peer_tls / "ca.pem"))
    context.load_cert_chain(config.peer_tls / "certificate.pem", config.peer_tls / "key.pem")
    return context


def _given_context(config: Config, context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """How addresses that are given are called; None: in plain text, where they say so."""
    return context or (machines_trust() if config.peers and not config.peer_plain else None)


def _free(host: str, port: int) -> None:
    """Refuse an address where another process listens: the server would share it, and its clients.

    Raises:
        FatalError: somebody listens there.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in found[:1]:
            with socket.socket(family, kind, protocol) as probe:
                # What is left of connections of the process before this one is nobody.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        raise _cannot_listen(host, port) from error


def _cannot_listen(host: str, port: int) -> FatalError:
    return FatalError(
        f"{host}:{port} cannot be listened on. Is another server running there, is "
        "this an address of this machine, and may you listen there (below 1024 only root may)?"
    )


async def _listening(host: str, port: int, serving: asyncio.Future[None]) -> None:
    """Return once a connection is accepted.

    Raises:
        FatalError: the address cannot be listened on.
    """
    while True:
        if serving.done():
            raise _cannot_listen(host, port)
        try:
            _, writer = await asyncio.open_connection(reached_at(host), port, family=socket.AF_UNSPEC)
        except OSError:
            await asyncio.sleep(0.005)
            continue
        writer.close()
        return


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\rreading the log: {done} of {total}", end="" if done < total else "\n", file=sys.stderr)
