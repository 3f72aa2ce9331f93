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


_NODE = (
    "루트 키를 지닌 사람이 지금 것(데이터 폴더의 certificate 파일)으로 `bongsu site add --expires 400`을 "
    "하고, 여기서 `bongsu site install` 뒤에 다시 시작하세요. "
    "끝나면 다른 곳과 이어지지 않고, 여기서 만든 파일도 받지 않습니다.",
    "Whoever has the root key signs the present one (the file certificate in the data directory) anew with "
    "`bongsu site add --expires 400`; then here `bongsu site install`, and start again. Once it has ended, "
    "no site links with this one or takes its files.",
)
_TLS = (
    "센터가 주문하게 하거나(certificate_hook), 새 인증서를 그 폴더에 넣으세요.",
    "Have a data centre order one (certificate_hook), or put a new one into its directory.",
)


def certificate_finding(name: str, left: float) -> Finding:
    """The sentence about a certificate that ends soon. `name`: `node`, or the setting with its files."""
    days = max(0, int(left))
    korean, english = _NODE if name == "node" else _TLS
    return Finding(
        f"certificate {name}",
        left < DAYS_SERIOUS,
        f"인증서({name})가 {days}일 뒤 끝나거나 읽히지 않습니다. {korean}",
        f"The certificate {name} ends in {days} days or cannot be read. {english}",
    )
