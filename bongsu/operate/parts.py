"""The parts of a running node that operators look at. Made by `serve`, read when somebody asks."""

from collections import Counter
from dataclasses import dataclass

from bongsu.bearer.nats import Fabric
from bongsu.filling import Filling
from bongsu.gateway.sender import PushSender
from bongsu.operate.watch import Watch
from bongsu.service import Service


@dataclass(frozen=True, slots=True)
class Parts:
    """`requests`: how many were answered, by (module of the specification, status)."""

    service: Service
    fabric: Fabric
    sender: PushSender
    filling: Filling
    watch: Watch
    requests: Counter[tuple[str, int]]
    started_ms: int
