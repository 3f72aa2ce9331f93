"""The private listener: metrics, health, readiness and digests for operators. An RSGI application.

It asks for no password, so its setting takes only addresses that the internet cannot reach."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from bongsu.api.app import Scope
from bongsu.canonical import json_bytes
from bongsu.console.picture import service_status
from bongsu.operate.health import Health
from bongsu.operate.metrics import CONTENT_TYPE, metrics
from bongsu.operate.parts import Parts
from bongsu.view.digests import digests

logger = logging.getLogger(__name__)

# status, type, body
Answer = tuple[int, str, bytes]
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


class PrivateApp:
    """Answers GET of five paths, and nothing else."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._health = Health(parts)
        self._paths: dict[str, Callable[[], Awaitable[Answer]]] = {
            "/metrics": self._metrics,
            "/health": self._healthy,
            "/ready": self._ready,
            "/_bongsu/node/v1/digests": self._digests,
            "/_bongsu/node/v1/status": self._status,
        }

    async def __call__(self, scope: Scope, protocol: Any) -> None:
        """Answer one request."""
        if scope.proto != "http":
            protocol.close(400)
            return
        answer = self._paths.get(scope.path)
        status, kind, body = 404, TEXT, f"There is: {' '.join(self._paths)}\n".encode()
        if scope.method not in ("GET", "HEAD"):
            status, body = 405, b"Only GET is answered here.\n"
        elif answer is not None:
            try:
                status, kind, body = await answer()
            except Exception:
                logger.exception("%s failed", scope.path)
                status, body = 500, b"The node made a mistake; its messages say which.\n"
        protocol.response_bytes(status, [("content-type", kind), ("cache-control", "no-store")], body)

    async def _metrics(self) -> Answer:
        return 200, CONTENT_TYPE, metrics(self._parts)

    async def _healthy(self) -> Answer:
        found = self._health.findings()
        node = self._parts.service.node
        said = {
            "ok": not found,
            "site": node.config.site,
            "node": node.log.key.node.hex(),
            "since_ms": self._parts.started_ms,
            "now_ms": node.now_ms(),
            "problems": [each.as_json() for each in found],
        }
        return 503 if any(each.serious for each in found) else 200, JSON, json_bytes(said)

    async def _ready(self) -> Answer:
        why = self._health.ready()
        return (200, TEXT, b"ready\n") if why is None else (503, TEXT, f"{why}\n".encode())

    async def _status(self) -> Answer:
        service = self._parts.service
        return 200, JSON, json_bytes(service_status(service.node, service.peers))

    async def _digests(self) -> Answer:
        node = self._parts.service.node
        # The vector first: what is shown while the digests are made is no less than it says.
        vector = node.vector.encode().hex()
        found = await asyncio.to_thread(digests, node.context.db.path)
        said = {"site": node.config.site, "role": node.config.role, "vector": vector, "digests": found}
        return 200, JSON, json_bytes(said)
