"""A node that looks whether it is itself what is wrong, and takes itself out of service while others go on.

A new version that corrupts what it shows, or fails: one site has it first (docs/decisions/withdrawal.md)."""

import asyncio
import logging
from collections import deque
from pathlib import Path
from typing import Literal

from bongsu import limits
from bongsu.agreement import Agreement, Compared
from bongsu.api.app import App
from bongsu.files import write_whole
from bongsu.live.background import Background
from bongsu.service import Service

logger = logging.getLogger(__name__)

# Beside view.db once it showed what others do not: the next start builds it anew from the log.
VIEW_SUSPECT = "view.db.suspect"
FAULT = 500


class Watch(Background):
    """`split`: rooms that another site has otherwise, and nobody can tell who is right."""

    def __init__(self, service: Service, app: App) -> None:
        self._service = service
        self._app = app
        self._agreement = Agreement(service.node, service.peers)
        self._agreement.state = self._state
        # (answered, failed) at the last looks, the oldest first.
        self._counts: deque[tuple[int, int]] = deque(maxlen=limits.WATCH_LOOKS)
        super().__init__(self._watch)
        self.split: frozenset[str] = frozenset()

    @property
    def errors(self) -> float:
        """The share of the last moments' requests that failed by a fault of this node's."""
        if len(self._counts) < 2:
            return 0.0
        # One client that repeats what this release cannot do must not take site after site with it.
        since_s = self._service.node.clock.monotonic() - limits.WATCH_LOOKS * limits.WATCH_LOOK_S
        if len({who for when, who in self._app.failed if when >= since_s}) < limits.WATCH_FAILED_MIN:
            return 0.0
        (answered, failed), (answered_now, failed_now) = self._counts[0], self._counts[-1]
        return (failed_now - failed) / max(1, answered_now - answered)

    async def _watch(self) -> None:
        while not self._service.withdrawal:
            await asyncio.sleep(limits.WATCH_LOOK_S)
            self._counts.append(self._counted())
            if self._service.node.config.has_several_sites:
                compared = await self._agreement.compare()
                if compared is not None:
                    self._judge(compared)

    def _judge(self, compared: Compared) -> None:
        self.split = compared.split
        fault, errors = fault_of(compared, self.errors), self.errors
        if fault == "view":
            rooms = ", ".join(sorted(compared.odd)[:3])
            write_whole(Path(self._service.node.config.data) / VIEW_SUSPECT, f"{rooms}\n".encode())
            self._withdraw(
                f"이 서버가 방 {len(compared.odd)}개({rooms})를 다른 두 곳과 다르게 보여 줍니다.",
                f"This node shows {len(compared.odd)} rooms ({rooms}) otherwise than two other sites do.",
            )
        elif fault == "errors":
            self._withdraw(
                f"이 서버가 요청의 {errors:.0%}에 오류로 답합니다. 다른 곳은 그렇지 않습니다.",
                f"This node fails {errors:.0%} of requests, and others do not.",
            )

    def _withdraw(self, korean: str, english: str) -> None:
        withdrawal = self._service.withdrawal
        withdrawal.korean = f"{korean} 스스로 서비스에서 빠졌습니다. 이전 버전으로 되돌린 뒤 다시 시작하세요."
        withdrawal.english = (
            f"{english} It took itself out of service. Go back to the release before, then start it again."
        )
        logger.critical("%s", withdrawal.english)
        # Whoever waits here asks again, and is sent elsewhere.
        self._service.node.wake.notify_all()

    def _state(self) -> tuple[bool, float]:
        return not self._service.withdrawal and not self._service.node.stopping, self.errors

    def _counted(self) -> tuple[int, int]:
        counts = self._app.counts
        return counts.total(), sum(count for (_, status), count in counts.items() if status == FAULT)


def fault_of(compared: Compared, errors: float) -> Literal["view", "errors"] | None:
    """What is wrong with this node and not with the others. `errors`: its share of failed requests.

    None, too, where no other site is ready: a node that is wrong here and there is better than none.
    """
    if not any(peer.ready for peer in compared.peers):
        return None
    if compared.odd:
        return "view"
    worst = max(peer.errors for peer in compared.peers)
    fails = errors >= limits.WATCH_ERRORS_SHARE and errors >= limits.WATCH_ERRORS_FACTOR * worst
    return "errors" if fails else None
