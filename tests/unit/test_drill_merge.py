"""What a merge brought is read from what people wrote and saw."""

from typing import Any

from bongsu.drill import report_merge
from bongsu.drill.merge import Merge, Times, carried, measure

SIDES = {"a": "core", "b": "core", "h1": "h1"}
TIMES = Times(cut_s=10.0, wired_s=20.0, linked_s=22.0)


def person(name: str, home: str, sent: list[tuple[int, float, float]], seen: list[Any]) -> dict[str, Any]:
    fields = [[number, began, acked, home, f"${name}{number}", 1, False] for number, began, acked in sent]
    return {"name": name, "home": home, "user_id": f"@{name}:x", "sent": fields, "seen": seen}


def measured(*people: dict[str, Any]) -> Merge:
    merge = Merge(hours=12, per_hour=20)
    measure(merge, people, SIDES, TIMES)
    return merge


def test_it_says_what_each_side_wrote_alone_and_what_new_messages_waited() -> None:
    # The first is of before the cut, the second was under way when it came, the fifth came with the backlog.
    kim = [(1, 9.0, 9.1), (2, 9.9, 10.1), (3, 11.0, 11.1), (4, 12.0, 12.1), (5, 21.0, 21.1), (6, 40.0, 40.1)]
    at_hub = [(9.2, 1), (10.0, 2), (24.0, 3), (25.0, 4), (25.5, 5), (40.2, 6)]
    lee = person("lee", "h1", [(1, 15.0, 15.1)], [(at, "@kim:x", number) for at, number in at_hub])
    of_core = person("park", "b", [], [(23.0, "@lee:x", 1), (11.2, "@kim:x", 3)])
    merge = measured(person("kim", "a", kim, []), lee, of_core)
    assert merge.alone == {"core": 2, "h1": 1}
    assert merge.merged_s == 5.0
    # What came after the merge waited for nothing; what was written before the link, for the link.
    assert merge.fresh_s == [3.5]
    assert merge.wrong == []


def test_sides_that_heard_of_each_other_were_not_cut_off() -> None:
    lee = person("lee", "h1", [], [(11.2, "@kim:x", 1)])
    (wrong,) = measured(person("kim", "a", [(1, 11.0, 11.1)], []), lee).wrong
    assert "lee saw 1 of @kim:x too early" in wrong


def test_what_was_carried_is_what_was_seen_while_no_link_led_there() -> None:
    kim = person("kim", "a", [(1, 9.0, 9.1), (2, 11.0, 11.1), (3, 12.0, 12.1), (4, 12.5, 12.6)], [])
    lee = person("lee", "h1", [], [(at, "@kim:x", number) for at, number in ((9.5, 1), (15.0, 2), (15.0, 3))])
    lee["seen"].append((21.0, "@kim:x", 4))
    assert carried([kim, lee], SIDES, 10.0, 20.0) == 2
    assert carried([kim, lee], SIDES, 13.0, 20.0) == 0


def test_a_merge_that_brought_nothing_is_none() -> None:
    merge = measured(person("kim", "a", [(1, 11.0, 11.1)], []), person("lee", "h1", [], []))
    assert merge.wrong == ["Nobody saw anything that another side wrote alone."]
    assert merge.merged_s is None


def test_the_report_says_what_is_told_and_what_is_true_and_that_it_is_time_lapse() -> None:
    merge = Merge(hours=12, per_hour=20, unread={"core": (480, 480), "h1": (479, 480)})
    assert report_merge.figures(merge)["unread"] == {"core": "480/480", "h1": "479/480"}
    korean, english = report_merge.words(merge)
    assert "타임랩스" in korean
    assert "Time-lapse" in english
