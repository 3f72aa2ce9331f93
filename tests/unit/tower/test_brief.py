"""The forms an alert takes: lossless where it must be, and never longer than the bearer allows."""

import random

import pytest

from bongsu.errors import MatrixError
from bongsu.tower import alert, brief, broadcast
from bongsu.tower.alert import State
from bongsu.tower.keys import Keyring, read_key
from bongsu.tower.shorten import shorten
from tests.helpers.service import ROOT
from tests.helpers.tower import Officer, alert_content

CODED = (
    "status",
    "msg_type",
    "category",
    "urgency",
    "severity",
    "certainty",
    "sent",
    "expires",
    "areas",
    "event",
)
WORDS = ["산불", "경포동", "대피하십시오", "지금", "초등학교로", "확산", "in", "Gyeongpo", "🔥", "119"]


def ring(*officers: Officer, **options: object) -> Keyring:
    keys = [read_key(ROOT.public, each.statement(**options)) for each in officers]  # type: ignore[arg-type]
    return Keyring({each.id: (each,) for each in keys}, {})


def encoded(content: dict[str, object], officer: Officer) -> bytes:
    payload = brief.payload(content)
    return brief.encode(payload, officer.id, brief.sign(payload, officer.key.sign_bytes))


@pytest.mark.parametrize("seed", range(50))
def test_coded_fields_and_areas_survive_in_200_bytes(seed: int) -> None:
    chosen, officer = random.Random(seed), Officer()
    sent = chosen.randrange(1_700_000_000, 1_900_000_000) * 1000
    kind = chosen.choice(alert.MESSAGE_TYPES)
    content = alert_content(
        officer.id,
        sent=sent,
        expires=sent + chosen.randrange(1, 604_800) * 1000,
        status=chosen.choice(alert.STATUSES),
        msg_type=kind,
        references=[] if kind == "Alert" else ["ab" * 16],
        category=chosen.choice(alert.CATEGORIES),
        urgency=chosen.choice(alert.URGENCIES),
        severity=chosen.choice(alert.SEVERITIES),
        certainty=chosen.choice(alert.CERTAINTIES),
        areas=sorted(f"area-{number}" for number in range(chosen.randrange(5))),
        texts={"ko": {"headline": " ".join(chosen.choices(WORDS, k=chosen.randrange(1, 25)))[:160]}},
    )
    alert.check(content)
    raw = encoded(content, officer)
    assert len(raw) <= 200
    read = brief.decode(raw)
    said = read.content()
    assert {name: said[name] for name in CODED} == {name: content[name] for name in CODED}
    assert alert.alert_id(content).startswith(read.id)
    assert said["references"] == [each[:16] for each in content["references"]]
    headline = content["texts"]["ko"]["headline"]
    assert read.headline == headline or headline.startswith(read.headline[:-1])
    assert brief.counts([read], ring(officer)) is State.STANDING
    assert brief.counts([read], ring(Officer())) is State.REFUSED


def test_a_brief_that_was_touched_counts_for_nothing() -> None:
    officer = Officer()
    raw = encoded(alert_content(officer.id), officer)
    for at in range(len(raw)):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        try:
            read = brief.decode(changed)
        except MatrixError:
            continue
        assert brief.counts([read], ring(officer)) is State.REFUSED, at


@pytest.mark.parametrize("raw", [b"", b"\xff", b"\x83", b"\x80", b"[" * 100, b"\x9f" * 150, bytes(201)])
def test_what_is_no_brief(raw: bytes) -> None:
    with pytest.raises(MatrixError):
        brief.decode(raw)


def test_two_people_send_two_briefs() -> None:
    one, two = Officer(), Officer()
    first = read_key(ROOT.public, one.statement(two_person=True, users=("@a:t",)))
    second = read_key(ROOT.public, two.statement(users=("@b:t",)))
    keyring = Keyring({first.id: (first,), second.id: (second,)}, {})
    content = alert_content(one.id)
    briefs = [brief.decode(encoded(content, each)) for each in (one, two)]
    assert brief.counts(briefs[:1], keyring) is State.PENDING
    assert brief.counts(briefs, keyring) is State.STANDING


def test_too_many_areas_for_radio_are_refused_with_a_sentence() -> None:
    officer = Officer()
    with pytest.raises(MatrixError, match="too long for radio"):
        brief.payload(alert_content(officer.id, areas=sorted(f"a-long-area-{n}" for n in range(20))))


def test_cell_broadcast_is_counted_in_characters_and_says_exercise_first() -> None:
    content = alert_content("0" * 32)
    for most in broadcast.CHARACTERS:
        text = broadcast.cell_broadcast(content, most)
        assert broadcast.length(text) <= most
        assert text.startswith("[훈련]")
    actual = alert_content("0" * 32, status="Actual", msg_type="Cancel", references=["ab" * 16])
    assert broadcast.cell_broadcast(actual, 90).startswith("[해제]")
    assert broadcast.cell_broadcast(alert_content("0" * 32, status="Actual"), 90).startswith("난곡동")


@pytest.mark.parametrize("seed", range(30))
def test_cell_broadcast_never_cuts_a_word_without_an_ellipsis(seed: int) -> None:
    chosen = random.Random(seed)
    headline = " ".join(chosen.choices(WORDS, k=20))
    content = alert_content("0" * 32, texts={"ko": {"headline": headline, "instruction": headline}})
    for most in broadcast.CHARACTERS:
        text = broadcast.cell_broadcast(content, most)
        assert broadcast.length(text) <= most
        whole = f"[훈련] {headline} {headline}"
        assert text == whole or text.endswith("…") or text == f"[훈련] {headline}"
        kept = text.removesuffix("…")
        assert whole.startswith(kept)
        assert whole[len(kept) : len(kept) + 1] in ("", " ")


def test_shorten() -> None:
    def fits(most: int, text: str) -> bool:
        return len(text) <= most

    assert shorten("하나 둘 셋", lambda text: fits(6, text)) == "하나 둘 셋"
    assert shorten("하나 둘 셋", lambda text: fits(5, text)) == "하나 둘…"
    assert shorten("아주긴낱말하나", lambda text: fits(4, text)) == "아주긴…"
    assert shorten("하나", lambda text: fits(0, text)) == ""
