"""What operators see on the private listener: metrics, health with sentences, readiness."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.sites.conftest import Lab


def get(lab: Lab, site: str, path: str) -> httpx.Response:
    return httpx.get(lab.node(site).private + path, trust_env=False)


def metrics(lab: Lab, site: str) -> dict[tuple[str, tuple[str, ...]], float]:
    answer = get(lab, site, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def problems(lab: Lab, site: str) -> list[str]:
    answer = get(lab, site, "/health")
    found = answer.json()
    for each in found["problems"]:
        assert each["ko"]
        assert each["en"]
        assert each["since_ms"] > 0
    assert answer.status_code == (503 if any(each["serious"] for each in found["problems"]) else 200)
    return [each["name"] for each in found["problems"]]


def until(lab: Lab, site: str, wanted: list[str]) -> None:
    for _ in range(500):
        found = problems(lab, site)
        if found == wanted:
            return
    raise AssertionError(f"{found} is not {wanted}")


def test_metrics_count_what_happens(lab: Lab) -> None:
    alice = lab.user("a", "alice")
    room_id = alice.create_room()
    before = metrics(lab, "a")
    for number in range(5):
        alice.send(room_id, f"{number}")
    after = metrics(lab, "a")

    def grown(name: str, *labels: str) -> float:
        key = (name, tuple(sorted(labels)))
        return after[key] - before.get(key, 0)

    assert grown("bongsu_requests_total", "room_send", "200") == 5
    assert grown("bongsu_batches_total", "two_sites") >= 5
    assert grown("bongsu_commits_total") >= 5
    assert grown("bongsu_log_position") >= 5
    assert after["bongsu_resident_bytes", ()] > 1_000_000
    assert after["bongsu_view_lag_records", ()] == 0
    assert get(lab, "a", "/ready").text == "ready\n"


def test_the_public_listener_has_none_of_it(lab: Lab) -> None:
    for path in ("/metrics", "/health", "/ready", "/_bongsu/node/v1/digests"):
        answer = lab.http["a"].get(path)
        assert answer.status_code == 404 or "<html" in answer.text, path
        assert "bongsu_commits" not in answer.text


def test_a_site_that_burns_is_named_until_it_is_back(lab: Lab) -> None:
    until(lab, "a", [])
    lab.burn("b")
    until(lab, "a", ["site b"])
    assert get(lab, "a", "/ready").status_code == 200
    lab.burn("c")
    until(lab, "a", ["alone", "site b", "site c"])
    assert get(lab, "a", "/ready").status_code == 200, "a site that is cut off goes on"
    lab.revive("b")
    lab.revive("c")
    until(lab, "a", [])


def test_only_get_is_answered(lab: Lab) -> None:
    assert httpx.post(lab.node("a").private + "/metrics", trust_env=False).status_code == 405
    assert get(lab, "a", "/admin").status_code == 404
