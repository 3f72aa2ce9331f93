"""Threads: what their roots tell of them, and the list of them."""

from collections.abc import Callable

from tests.api.client import Json, User, timeline

Make = Callable[[str], User]


def reply(user: User, room: str, root: str, text: str) -> str:
    relation = {"rel_type": "m.thread", "event_id": root}
    return user.send(room, {"msgtype": "m.text", "body": text, "m.relates_to": relation})


def edit(user: User, room: str, target: str, text: str) -> str:
    new = {"msgtype": "m.text", "body": text}
    relation = {"rel_type": "m.replace", "event_id": target}
    return user.send(room, {**new, "m.new_content": new, "m.relates_to": relation})


def told(user: User, room: str, root: str) -> Json | None:
    event: Json = user.get("rooms", room, "event", root)
    found: Json | None = event["unsigned"].get("m.relations", {}).get("m.thread")
    return found


def threads(user: User, room: str, **query: object) -> Json:
    answer: Json = user.get("/_matrix/client/v1/rooms", room, "threads", **query)
    return answer


def ids(answer: Json) -> list[str]:
    return [each["event_id"] for each in answer["chunk"]]


def test_a_root_tells_of_its_thread(alice: User, bob: User, make_user: Make) -> None:
    carol = make_user("carol")
    room = alice.create_room(preset="public_chat")
    for user in (bob, carol):
        user.join(room)
    root = alice.send(room, "처음")
    assert told(bob, room, root) is None
    since = {user.name: user.sync()["next_batch"] for user in (alice, bob, carol)}
    first = reply(bob, room, root, "하나")
    second = reply(bob, room, root, "둘")
    for user, took_part in ((alice, True), (bob, True), (carol, False)):
        found = told(user, room, root)
        assert found is not None
        assert (found["count"], found["current_user_participated"]) == (2, took_part)
        assert (found["latest_event"]["event_id"], found["latest_event"]["room_id"]) == (second, room)
        # And wherever else the root is shown: to each in their own way.
        shown = next(each for each in timeline(user.sync(), room) if each["event_id"] == root)
        assert shown["unsigned"]["m.relations"]["m.thread"]["current_user_participated"] is took_part
        news = timeline(user.sync(since[user.name]), room)
        assert [each["event_id"] for each in news] == [first, second]
    # What becomes of the latest event shows at once.
    edit(bob, room, second, "둘!")
    found = told(carol, room, root)
    assert found is not None
    nested = found["latest_event"]["unsigned"]["m.relations"]["m.replace"]
    assert nested["content"]["m.new_content"]["body"] == "둘!"
    bob.put("rooms", room, "redact", second, "t", body={})
    found = told(carol, room, root)
    assert found is not None
    assert (found["count"], found["latest_event"]["event_id"]) == (1, first)
    # A root that is redacted keeps its thread.
    alice.put("rooms", room, "redact", root, "t", body={})
    assert told(carol, room, root) is not None
    bob.put("rooms", room, "redact", first, "t2", body={})
    assert told(carol, room, root) is None


def test_members_who_come_from_the_same_place_are_told_their_own(
    alice: User, bob: User, make_user: Make
) -> None:
    carol = make_user("carol")
    room = alice.create_room(preset="public_chat")
    for user in (bob, carol):
        user.join(room)
    since = alice.sync()["next_batch"]
    root = alice.send(room, "처음")
    reply(bob, room, root, "하나")
    for user, took_part in ((carol, False), (bob, True), (alice, True), (carol, False)):
        shown = timeline(user.sync(since), room)[0]
        assert shown["unsigned"]["m.relations"]["m.thread"]["current_user_participated"] is took_part


def test_threads_are_listed_by_their_latest_answer(alice: User, bob: User, make_user: Make) -> None:
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    assert threads(alice, room) == {"chunk": []}
    roots = [alice.send(room, f"말 {number}") for number in range(4)]
    for root in roots[:3]:
        reply(alice, room, root, "답")
    reply(bob, room, roots[0], "늦은 답")
    wanted = [roots[0], roots[2], roots[1]]
    listed = threads(bob, room)
    assert ids(listed) == wanted
    assert "next_batch" not in listed
    assert listed["chunk"][0]["unsigned"]["m.relations"]["m.thread"]["count"] == 2
    assert ids(threads(bob, room, include="participated")) == [roots[0]]
    assert ids(threads(alice, room, include="participated")) == wanted
    pages, token = [], None
    for _ in range(3):
        page = threads(bob, room, limit=1, **({} if token is None else {"from": token}))
        pages += ids(page)
        token = page.get("next_batch")
    assert (pages, token) == (wanted, None)
    path = ("/_matrix/client/v1/rooms", room, "threads")
    for query in ({"include": "x"}, {"from": "x"}, {"limit": "x"}):
        alice.refused(400, "M_INVALID_PARAM", "GET", *path, query=query)
    make_user("stranger").refused(403, "M_FORBIDDEN", "GET", *path)


def test_who_may_not_see_a_root_is_not_told_of_it(alice: User, bob: User) -> None:
    hidden = {
        "type": "m.room.history_visibility",
        "state_key": "",
        "content": {"history_visibility": "joined"},
    }
    room = alice.create_room(preset="public_chat", initial_state=[hidden])
    root = alice.send(room, "전에")
    reply(alice, room, root, "전에 답")
    bob.join(room)
    assert ids(threads(bob, room)) == []


def test_who_left_is_not_told_what_came_after(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    root, edited = alice.send(room, "처음"), alice.send(room, "옛 글")
    since = bob.sync()["next_batch"]
    bob.post("rooms", room, "leave")
    reply(alice, room, root, "비밀")
    edit(alice, room, edited, "비밀")
    for answer in (
        *(bob.get("rooms", room, "event", each) for each in (root, edited)),
        bob.get("rooms", room, "messages", dir="b"),
        threads(bob, room),
        bob.sync(since, filter={"room": {"include_leave": True}}),
        bob.sync(filter={"room": {"include_leave": True}}),
    ):
        assert "비밀" not in str(answer)
    assert "비밀" in str(alice.get("rooms", room, "event", root))


def test_answers_to_answers_make_no_loops(alice: User) -> None:
    room = alice.create_room()
    last = alice.send(room, "처음")
    for number in range(30):
        last = reply(alice, room, last, f"{number}")
    assert len(threads(alice, room, limit=100)["chunk"]) == 30
    assert alice.get("rooms", room, "messages", dir="b", limit=100)["chunk"]
