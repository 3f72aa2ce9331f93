"""One thing that is wrong, and its remedy, as people are told it: in Korean and in English. Pure."""

from dataclasses import dataclass
from typing import Any

from bongsu.certificate_ends import DAYS_SERIOUS


@dataclass(frozen=True, slots=True)
class Finding:
    """`name` is for machines and never changes. `serious`: people lose something until it is put right."""

    name: str
    serious: bool
    korean: str
    english: str
    since_ms: int | None = None

    def as_json(self) -> dict[str, Any]:
        """As the private listener and `bongsu doctor --json` show it."""
        return {
            "name": self.name,
            "serious": self.serious,
            "since_ms": self.since_ms,
            "ko": self.korean,
            "en": self.english,
        }


def certificate_finding(name: str, left: float) -> Finding:
    """The sentence about a certificate that ends soon."""
    days = max(0, int(left))
    return Finding(
        f"certificate {name}",
        left < DAYS_SERIOUS,
        f"인증서({name})가 {days}일 뒤 끝나거나 읽히지 않습니다. 갱신하세요.",
        f"The certificate {name} ends in {days} days or cannot be read. Renew it.",
    )
