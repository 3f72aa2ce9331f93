"""The metrics of a node in Prometheus's text format, counted at the moment somebody asks."""

from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bongsu import __version__
from bongsu.certificate_ends import days_left, tls_end_ms
from bongsu.hub.tls_ends import ends_of_hubs
from bongsu.log.files import free_bytes
from bongsu.operate.figures import resident_bytes
from bongsu.operate.parts import Parts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics(parts: Parts) -> bytes:
    """All of them. docs/operate/metrics.md says what each means."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Parts(parts))
    return generate_latest(registry)


class _Parts(Collector):
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        yield from self._of_requests()
        yield from self._of_log()
        yield from self._of_sites()
        yield from self._of_machine()

    def _of_requests(self) -> Iterator[Metric]:
        parts, node = self._parts, self._parts.service.node
        requests = CounterMetricFamily(
            "bongsu_requests", "Requests answered, by module of the API and status.", labels=("of", "status")
        )
        for (module, status), count in sorted(parts.requests.items()):
            requests.add_metric((module, str(status)), count)
        yield requests
        yield GaugeMetricFamily(
            "bongsu_sync_users_waiting", "Users whose clients wait for news.", node.wake.waiting
        )
        yield GaugeMetricFamily(
            "bongsu_withdrawn",
            "1 if the node took itself out of service.",
            int(bool(parts.service.withdrawal)),
        )
        yield GaugeMetricFamily(
            "bongsu_rooms_differing", "Rooms that another site shows otherwise.", len(parts.watch.split)
        )
        yield GaugeMetricFamily(
            "bongsu_push_waiting", "Notifications not yet at their gateways.", parts.sender.waiting
        )
        yield GaugeMetricFamily(
            "bongsu_media_lacking",
            "Files that are to be fetched from peers.",
            parts.service.media.copies.lacking,
        )

    def _of_log(self) -> Iterator[Metric]:
        parts, node = self._parts, self._parts.service.node
        batches = CounterMetricFamily(
            "bongsu_batches", "Batches acknowledged, by promise.", labels=("promise",)
        )
        for promise, count in node.promises.counts.items():
            batches.add_metric((promise,), count)
        yield batches
        head = node.log.head_position
        yield GaugeMetricFamily("bongsu_log_position", "Position of the last record on disk.", head)
        yield GaugeMetricFamily(
            "bongsu_view_lag_records", "Records on disk that are not shown yet.", head - node.position
        )
        yield CounterMetricFamily("bongsu_commits", "Fsyncs of the log.", node.log.transactions.commits)
        yield CounterMetricFamily(
            "bongsu_returned_records",
            "Records of earlier starts of this node that peers gave back.",
            parts.filling.returned,
        )
        yield GaugeMetricFamily(
            "bongsu_filling", "1 while the node lacks much that peers hold.", int(parts.filling.behind)
        )

    def _of_sites(self) -> Iterator[Metric]:
        parts, node = self._parts, self._parts.service.node
        linked = GaugeMetricFamily("bongsu_site_linked", "1 if a node is linked.", labels=("site", "node"))
        links, revoked = parts.service.peers.links, node.context.authorities.revocations()
        for each in node.context.authorities.certificates():
            if each.node != node.log.key.node and each.node not in revoked:
                linked.add_metric((each.site, each.node.hex()), int(each.node in links))
        yield linked
        connected = parts.fabric is not None and parts.fabric.connected
        yield GaugeMetricFamily("bongsu_nats_connected", "1 if NATS is reached.", int(connected))
        left = GaugeMetricFamily("bongsu_certificate_days", "Days a certificate counts.", labels=("of",))
        for name, folder in (("tls", node.config.tls), ("peer_tls", node.config.peer_tls)):
            if folder is not None:
                left.add_metric((name,), _days(folder, node.now_ms()))
        certificate = node.certificate_of(node.log.key.node)
        if certificate is not None and certificate.expires_ms is not None:
            left.add_metric(("node",), days_left(certificate.expires_ms, node.now_ms()))
        for site, end_ms in ends_of_hubs(node):
            left.add_metric((f"tls {site}",), days_left(end_ms, node.now_ms()))
        yield left

    def _of_machine(self) -> Iterator[Metric]:
        node = self._parts.service.node
        free = free_bytes(node.log.path)
        yield GaugeMetricFamily("bongsu_disk_free_bytes", "Room on the disk of the data.", free)
        yield GaugeMetricFamily("bongsu_resident_bytes", "Memory of the process.", resident_bytes())
        build = GaugeMetricFamily("bongsu_build_info", "Always 1.", labels=("release", "site"))
        build.add_metric((__version__, node.config.site), 1)
        yield build
        yield GaugeMetricFamily(
            "bongsu_start_time_seconds", "When it started.", self._parts.started_ms / 1000
        )


def _days(folder: Path, now_ms: int) -> float:
    try:
        return days_left(tls_end_ms(folder), now_ms)
    except (OSError, ValueError):
        return 0.0
