"""What is wrong with a running node, since when, and what to do: looked at only when somebody asks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bongsu import limits
from bongsu.authority import CORE
from bongsu.certificate_ends import DAYS_WARNED, days_left, tls_end_ms
from bongsu.hub.tls_ends import ends_of_hubs
from bongsu.log.files import free_bytes
from bongsu.operate.finding import Finding, certificate_finding
from bongsu.operate.forked_findings import forked_findings
from bongsu.operate.parts import Parts

MIB = 1024 * 1024


class Health:
    """Remembers since when each finding has been there: from the first time that somebody asked."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._since: dict[str, int] = {}
        # What an examination of the machine found last: it takes fsyncs, so not each time.
        self.machine: list[Finding] = []

    def findings(self) -> list[Finding]:
        """All of them, the serious ones first."""
        now_ms = self._parts.service.node.now_ms()
        found = [*self._store(), *self._disk(), *self._sites(), *self._certificates(now_ms)]
        known = {each.name for each in found}
        found += [each for each in self.machine if each.name not in known]
        self._since = {each.name: self._since.get(each.name, now_ms) for each in found}
        dated = [
            Finding(
                each.name, each.serious, each.korean, each.english, each.since_ms or self._since[each.name]
            )
            for each in found
        ]
        return sorted(dated, key=lambda each: not each.serious)

    def problems(self) -> list[dict[str, Any]]:
        """The findings as the tower of every site is told them: the first few, for thin links."""
        return [each.as_json() for each in self.findings()[: limits.STATUS_PROBLEMS_MAX]]

    def examine(self) -> None:
        """Look at the machine as `bongsu doctor` does. Takes a while: not on the event loop."""
        from bongsu.operate.doctor import examine_machine

        self.machine = examine_machine(self._parts.service.node.config)

    def ready(self) -> str | None:
        """None if clients should be sent here, else why not. A site that is cut off is ready."""
        node = self._parts.service.node
        if node.stopping or node.log.fatal is not None:
            return "The node is about to stop."
        if self._parts.service.withdrawal:
            return self._parts.service.withdrawal.english
        if self._parts.filling.behind:
            filling = self._parts.filling
            return f"The node fills from its peers: {filling.held} of {filling.target} records."
        if node.revoked:
            return "The node was shut out of the service."
        return None

    def _store(self) -> Iterator[Finding]:
        node, filling = self._parts.service.node, self._parts.filling
        if node.log.fatal is not None:
            yield Finding(
                "store",
                True,
                "저장소에 쓸 수 없어 서버가 멈춥니다. 디스크를 확인하고 다시 시작하세요.",
                f"{node.log.fatal}",
            )
        if withdrawal := self._parts.service.withdrawal:
            yield Finding("withdrawn", True, withdrawal.korean, withdrawal.english)
        if split := self._parts.watch.split:
            rooms = ", ".join(sorted(split)[:3])
            yield Finding(
                "views-differ",
                True,
                f"방 {len(split)}개({rooms})가 다른 곳과 다릅니다. bongsu verify --against로 확인하세요.",
                f"{len(split)} rooms ({rooms}) differ at another site. Run bongsu verify --against.",
            )
        if node.revoked:
            yield Finding(
                "revoked",
                True,
                "이 서버는 서비스에서 제외되었습니다. 새 키로 새 서버를 등록하세요.",
                "This node was shut out of the service. Enrol a new node with a new key.",
            )
        if filling.behind:
            yield Finding(
                "filling",
                False,
                f"다른 곳에서 기록을 채우는 중입니다: {filling.target}개 중 {filling.held}개.",
                f"The node fills from its peers: {filling.held} of {filling.target} records. Wait.",
            )
        yield from forked_findings(node.config.data)
        if filling.returned:
            yield Finding(
                "rolled-back",
                False,
                f"이 서버가 쓴 기록 {filling.returned}개가 다른 곳에서 돌아왔습니다."
                " 디스크가 예전 상태였습니다. 원인을 찾으세요.",
                f"{filling.returned} records that this node wrote came back from peers: its disk was an old"
                " image or was emptied. Find out why.",
            )

    def _disk(self) -> Iterator[Finding]:
        config = self._parts.service.node.config
        free = free_bytes(config.data / "log.db")
        if free < config.free_bytes_min:
            yield Finding(
                "disk",
                True,
                f"디스크가 가득 찼습니다({free // MIB} MiB 남음)."
                " 새 메시지를 받지 않습니다. 공간을 비우세요.",
                f"The disk is full ({free // MIB} MiB left): nothing new is taken. Make room.",
            )
        elif free < limits.HEALTH_DISK_FACTOR * config.free_bytes_min:
            yield Finding(
                "disk",
                False,
                f"디스크에 {free // MIB} MiB만 남았습니다. 가득 차기 전에 공간을 비우세요.",
                f"The disk has {free // MIB} MiB left. Make room before it is full.",
            )

    def _sites(self) -> Iterator[Finding]:
        service, started_ms = self._parts.service, self._parts.started_ms
        node, peers = service.node, service.peers
        revoked = node.context.authorities.revocations()
        others = [
            each
            for each in node.context.authorities.certificates()
            if each.node != node.log.key.node and each.node not in revoked and each.site != node.config.site
        ]
        away = [each for each in others if each.node not in peers.links]
        for each in away:
            if each.node in peers.plain:
                yield Finding(
                    f"plain {each.site}",
                    False,
                    f"같은 LAN의 {each.site}가 암호화하지 않은 연결만 받아 잇지 않습니다."
                    " 그곳의 bongsu를 이 판으로 올리고, 설정 peer_plain이 있으면 빼세요.",
                    f"{each.site}, on this LAN, takes links in plain text alone, and is not called. Upgrade"
                    " its bongsu to this release, and leave out its setting peer_plain.",
                )
                continue
            yield Finding(
                f"site {each.site}",
                False,
                f"{each.site} 사이트와 연결이 끊겼습니다. 그곳의 전원과 네트워크를 확인하세요.",
                f"The site {each.site} is not linked. Look at its power and network.",
                peers.changed_ms.get(each.node, started_ms),
            )
        if others and len(away) == len(others):
            yield Finding(
                "alone",
                True,
                "다른 사이트와 모두 끊겼습니다. 메시지는 이곳 디스크에만 저장됩니다.",
                "No other site is linked: what is written is on this site's disk alone.",
                max(peers.changed_ms.get(each.node, started_ms) for each in others),
            )
        if self._parts.fabric is not None and not self._parts.fabric.connected:
            yield Finding(
                "nats",
                False,
                "NATS에 연결되지 않습니다. 서버끼리 HTTPS로 주고받습니다. NATS 서버를 확인하세요.",
                "NATS is not reached, so nodes talk over HTTPS. Look at this site's NATS server.",
            )
        elif self._parts.fabric is not None and self._parts.fabric.refused:
            name = node.log.key.node.hex()
            yield Finding(
                "nats-refused",
                False,
                f"NATS가 이 서버를 받지 않습니다. 모든 사이트의 nats.conf에 서버 번호 {name}를 넣으세요.",
                f"NATS refuses this node. Give its user the subjects of {name} in nats.conf of every site.",
            )

    def _certificates(self, now_ms: int) -> Iterator[Finding]:
        node = self._parts.service.node
        ends: dict[str, int | None] = {}
        for name, folder in (("tls", node.config.tls), ("peer_tls", node.config.peer_tls)):
            if folder is not None:
                ends[name] = _end(folder)
        certificate = node.certificate_of(node.log.key.node)
        if certificate is not None and certificate.expires_ms is not None:
            ends["node"] = certificate.expires_ms
        if node.config.role == CORE:
            ends.update({f"tls {site}": end_ms for site, end_ms in ends_of_hubs(node)})
        for name, end_ms in ends.items():
            left = days_left(end_ms or 0, now_ms)
            if left < DAYS_WARNED:
                yield certificate_finding(name, left)


def _end(folder: Path) -> int | None:
    try:
        return tls_end_ms(folder)
    except (OSError, ValueError):
        return None
