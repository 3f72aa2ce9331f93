"""The checker of drills finds each kind of broken promise, and nothing where there is none."""

from typing import Any

from bongsu.drill.check import Findings, check, percentile


def person(name: str, home: str, sent: list[list[Any]], seen: list[tuple[float, str, int]]) -> dict[str, Any]:
    return {
        "name": name,
        "home": home,
        "room_id": "!r",
        "user_id": f"@{name}:x",
        "sent": sent,
        "seen": seen,
        "limited": 0,
        "moves": 0,
    }


SENT = [[1, 0.0, 0.1, "a", "$1", 1, False], [2, 1.0, 5.0, "b", "$2", 3, False]]
GOOD = [(0.1, "@kim:x", 1), (5.0, "@kim:x", 2)]


def found(seen: list[tuple[float, str, int]], history: list[str], home: str = "a") -> Findings:
    people = [person("kim", home, SENT, GOOD), person("lee", "b", [], seen)]
    return check(people, {"b": {"!r": history}}, struck=["a"], fault_s=2.0)


def test_a_drill_without_broken_promises_is_clean() -> None:
    findings = found(GOOD, ["$1", "$2"])
    assert findings.clean
    assert findings.acknowledged == 2
    assert findings.struck_s == [4.9]
    assert found(GOOD, ["$1", "$2"], home="b").spared_s == [3.0]


def test_what_is_in_no_history_is_lost() -> None:
    assert found(GOOD, ["$1"]).lost == ["kim 2 is not in the history of site b"]


def test_what_burnt_with_the_one_site_that_was_told_to_have_it_is_counted_apart() -> None:
    here = [SENT[0], [*SENT[1][:6], True]]
    people = [person("kim", "a", here, GOOD), person("lee", "b", [], GOOD[:1])]
    findings = check(people, {"b": {"!r": ["$1"]}}, struck=["a"], fault_s=2.0)
    assert (findings.held_here, findings.burnt) == (1, ["kim 2 is not in the history of site b"])
    assert findings.clean
    held = check(people, {"b": {"!r": ["$1", "$2"]}}, struck=["a"], fault_s=2.0)
    assert held.gaps == ["2 of kim to lee"]


def test_gaps_duplicates_and_reorderings_are_found() -> None:
    assert found(GOOD[:1], ["$1", "$2"]).gaps == ["2 of kim to lee"]
    assert found([*GOOD, GOOD[1]], ["$1", "$2"]).duplicates == ["2 of kim to lee"]
    assert found(GOOD[::-1], ["$1", "$2"]).reordered == ["1 after 2 of kim to lee"]


def test_what_comes_late_from_the_one_site_that_was_told_to_have_it_is_counted_apart() -> None:
    here = [[*SENT[0][:6], True], SENT[1]]
    people = [person("kim", "a", here, GOOD), person("lee", "b", [], GOOD[::-1])]
    findings = check(people, {"b": {"!r": ["$1", "$2"]}}, struck=["a"], fault_s=2.0)
    assert (findings.reordered, findings.late) == ([], ["1 after 2 of kim to lee"])
    assert findings.clean


def test_percentiles() -> None:
    assert percentile([], 0.5) is None
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile(list(map(float, range(100))), 0.99) == 99.0
