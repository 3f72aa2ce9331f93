"""One thing that is wrong, and its remedy, as people are told it: in Korean and in English. Pure."""

from dataclasses import dataclass
from typing import Any


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
