"""Whether this node took itself out of service: it is what is wrong (docs/decisions/withdrawal.md)."""

from dataclasses import dataclass

ERRCODE = "KR_BONGSU_WITHDRAWN"


@dataclass(slots=True)
class Withdrawal:
    """Empty: it serves. It never goes back into service by itself: a person looks first, and restarts it."""

    korean: str = ""
    english: str = ""

    def __bool__(self) -> bool:
        return bool(self.english)
