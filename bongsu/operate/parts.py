"""The parts of a running node that operators look at. Made by `serve`, read when somebody asks."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.filling import Filling
from bongsu.gateway.sender import PushSender
from bongsu.operate.watch import Watch
from bongsu.service import Service

if TYPE_CHECKING:
    from bongsu.bearer.nats import Fabric


@dataclass(frozen=True, slots=True)
class Parts:
    """`requests`: how many were answered, by (module of the specification, status)."""

    service: Service
    fabric: "Fabric | None"
    sender: PushSender
    filling: Filling
    watch: Watch
    requests: Counter[tuple[str, int]]
    started_ms: int
