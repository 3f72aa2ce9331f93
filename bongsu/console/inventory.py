"""The inventory: every component, where it runs, what stops without it, and how its removal was survived."""

from dataclasses import dataclass
from typing import Any

from bongsu.cap.feeds import feeds
from bongsu.console.drills import reports
from bongsu.node import Node


@dataclass(frozen=True, slots=True)
class Component:
    """`plans`: drills that take it away. `runs`: the role of the sites it runs at."""

    name: str
    runs: str
    korean: str
    english: str
    without_korean: str
    without_english: str
    plans: tuple[str, ...]


COMPONENTS = (
    Component(
        "core",
        "core",
        "데이터센터의 서버",
        "server of a data centre",
        "그곳 이용자가 몇 초 안에 다른 데이터센터로 옮겨 갑니다. 멈추는 기능은 없습니다.",
        "Its users move to another data centre within seconds. No function stops.",
        ("site-kill", "inventory", "site-returns", "cut", "restart"),
    ),
    Component(
        "disk",
        "core",
        "데이터센터의 디스크",
        "disk of a data centre",
        "확인된 것은 다른 곳의 디스크에 있어 잃지 않습니다. 새 디스크는 다른 곳에서 채웁니다.",
        "What was acknowledged is on another site's disk. A new disk is filled from there.",
        ("site-disk-destroyed", "site-disk-damaged"),
    ),
    Component(
        "nats",
        "core",
        "서버 사이를 잇는 NATS",
        "NATS between the servers",
        "서버끼리 HTTPS로 주고받습니다. 새 이름 등록만 다른 NATS가 답할 때까지 기다립니다.",
        "Servers talk over HTTPS. Only new user names wait until another NATS answers.",
        ("fabric-wiped", "inventory", "fabric"),
    ),
    Component(
        "link",
        "core",
        "데이터센터 사이의 회선",
        "link between data centres",
        "양쪽이 따로 이어 가고, 이어지면 합쳐집니다. 그동안 한 곳에만 저장됩니다.",
        "Both sides go on and merge later. Meanwhile messages are on one side's disks.",
        ("partition-minority", "asymmetric-link", "cut"),
    ),
    Component(
        "hub",
        "hub",
        "거점",
        "hub",
        "그곳 와이파이의 주민이 다른 길을 찾아야 합니다. 밖으로 보낸 것은 남습니다.",
        "Residents on its Wi-Fi need another way. What had been passed on remains.",
        ("hub-cut", "hub-amnesia"),
    ),
    Component(
        "core-all",
        "core",
        "모든 데이터센터",
        "every data centre",
        "거점마다 대화, 경보, 안부가 이어집니다. 알림(푸시)과 다른 거점 소식은 기다립니다.",
        "Talk, alerts and check-ins go on at each hub. Push and news of other hubs wait.",
        ("courier-only", "all-power"),
    ),
    Component(
        "push",
        "core",
        "푸시 알림",
        "push",
        "앱을 열면 보이지만 닫힌 앱에는 알려지지 않습니다. 다른 데이터센터가 대신 보냅니다.",
        "Closed apps are not told; open ones are. Another data centre takes over.",
        ("site-kill",),
    ),
    Component(
        "feeds",
        "core",
        "다른 기관의 경보 받기",
        "alerts of other services",
        "다른 데이터센터가 계속 받습니다. 우리 경보는 영향이 없습니다.",
        "Another data centre goes on polling them. Our own alerts do not need them.",
        ("site-kill",),
    ),
    Component(
        "root",
        "",
        "루트 키 (서버 밖에 보관)",
        "root key (kept off the servers)",
        "운영에는 필요 없습니다. 새 서버나 담당자를 들이거나 내보낼 수 없습니다.",
        "Running needs none of it. No node or officer can be let in or shut out.",
        (),
    ),
)


def inventory(node: Node) -> list[dict[str, Any]]:
    """Every component with the latest report of each drill that takes it away."""
    revoked = node.context.authorities.revocations()
    sites = [each for each in node.context.authorities.certificates() if each.node not in revoked]
    done = sorted(
        (each for each in reports(node).values() if each["ended"] and "interrupted" not in each["figures"]),
        key=lambda each: each["ended"],
    )
    latest = {each["plan"]: each for each in done}
    return [
        {
            "name": each.name,
            "ko": each.korean,
            "en": each.english,
            "without_ko": each.without_korean,
            "without_en": each.without_english,
            "at": sorted({site.site for site in sites if site.role == each.runs}),
            "plans": list(each.plans),
            "removed": [latest[plan] for plan in each.plans if plan in latest],
        }
        for each in COMPONENTS
        if each.name != "feeds" or feeds(node)
    ]
