"""The public status page tells what is wrong with the service, and not how a machine is set up."""

from typing import Any

from bongsu.tower.status_page import page, status


def problem(name: str) -> dict[str, Any]:
    return {"name": name, "serious": True, "since_ms": 1, "ko": f"한 {name}", "en": f"en {name}"}


def test_what_a_machine_lacks_is_for_its_operators_alone() -> None:
    public = ["alone", "disk", "certificate tls", "site dc2"]
    private = ["setting rate_limits", "mode node.key", "backup", "set aside log.db.damaged-1", "suspect"]
    site = {
        "site": "dc1",
        "role": "core",
        "linked": True,
        "revoked": False,
        "status": {"at": 1, "problems": [problem(name) for name in (*public, *private)]},
    }
    told = {"server_name": "talk.example.kr", "seen_from": "dc1", "sites": [site], "incidents": []}
    found = status(told, [], 5)
    assert [each["en"] for each in found["sites"][0]["problems"]] == [f"en {name}" for name in public]
    shown = page(found)
    assert not any(f"en {name}" in shown for name in private)


def test_a_data_centre_in_trouble_is_not_said_to_be_well() -> None:
    site = {"site": "dc1", "role": "core", "linked": True, "revoked": False, "status": None}
    full = {**site, "status": {"at": 1, "problems": [problem("disk")]}}
    told = {"server_name": "talk.example.kr", "seen_from": "dc1", "sites": [site], "incidents": []}
    well, troubled = (status({**told, "sites": [each]}, [], 5) for each in (site, full))
    assert (well["state"], troubled["state"]) == ("up", "reduced")
    assert "정상입니다" in page(well)
    assert "정상입니다" not in page(troubled)
    assert "A data centre has a problem" in page(troubled)
    # A page that nobody writes any more says so of itself.
    assert "look at another one" in page(well)
