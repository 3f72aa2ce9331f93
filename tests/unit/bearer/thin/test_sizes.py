"""What a record costs on a thin link, and that nothing of it is lost."""

from bongsu import drafts
from bongsu.bearer.bundle import SIGNATURE_BYTES, Bundle
from bongsu.bearer.thin.bundles import read_bundle, write_bundle
from bongsu.bearer.thin.context import Names, Stream
from bongsu.bearer.thin.wire import Reader, Writer
from bongsu.log.record import BodyState, ForeignRecord
from tests.helpers.thin_chat import KOREAN, START_MS, Chat


class Ends:
    """One end that writes, and another that reads."""

    def __init__(self) -> None:
        self.ours, self.theirs = Stream(Names()), Stream(Names())

    def carry(self, bundle: Bundle) -> int:
        """The bytes of a bundle, of which nothing is lost."""
        out = Writer()
        write_bundle(out, self.ours, bundle)
        reader = Reader(out.bytes)
        assert read_bundle(reader, self.theirs) == bundle
        assert reader.at_end
        return len(out.bytes)


def cost(ends: Ends, chat: Chat, record: ForeignRecord) -> int:
    """The bytes of one record, beside the signature, which any number of records share."""
    return ends.carry(chat.bundle([record])) - SIGNATURE_BYTES


def test_a_korean_text_takes_tens_of_bytes() -> None:
    chat, ends = Chat(), Ends()
    first = cost(ends, chat, chat.text())
    assert first <= 360
    assert len(KOREAN) == 21
    sizes = [cost(ends, chat, chat.text()) for _ in range(20)]
    assert max(sizes) <= 60
    assert cost(ends, chat, chat.text("가" * 100)) <= 225


def test_a_new_speaker_costs_his_name_and_no_more() -> None:
    chat, ends = Chat(), Ends()
    cost(ends, chat, chat.text())
    assert cost(ends, chat, chat.text(sender="lee")) <= 120
    assert cost(ends, chat, chat.text(sender="lee")) <= 60


def test_an_encrypted_text_takes_little_more_than_its_ciphertext() -> None:
    chat, ends = Chat(), Ends()
    cost(ends, chat, chat.megolm(270))
    assert cost(ends, chat, chat.megolm(270)) <= 300


def test_twenty_texts_share_one_signature() -> None:
    chat, ends = Chat(), Ends()
    ends.carry(chat.bundle([chat.text()]))
    assert ends.carry(chat.bundle([chat.text() for _ in range(20)])) <= 20 * 56 + SIGNATURE_BYTES + 4


def test_a_receipt_takes_little() -> None:
    chat, ends = Chat(), Ends()
    cost(ends, chat, chat.text())
    cost(ends, chat, chat.receipt())
    cost(ends, chat, chat.text())
    assert cost(ends, chat, chat.receipt()) <= 30


def test_what_has_no_form_of_its_own_is_packed() -> None:
    chat, ends = Chat(), Ends()
    name = lambda text: drafts.register("profile", "@kim:x", "displayname", "", text, START_MS)  # noqa: E731
    cost(ends, chat, chat.place(name("김민지")))
    assert cost(ends, chat, chat.place(name("이서준"))) <= 60
    reaction = {"m.relates_to": {"rel_type": "m.annotation", "event_id": chat.auth[0], "key": "👍"}}
    cost(ends, chat, chat.place(chat.say(reaction, event_type="m.reaction")))
    assert cost(ends, chat, chat.place(chat.say(reaction, event_type="m.reaction"))) <= 70


def test_a_header_without_its_body_stays_small() -> None:
    chat, ends = Chat(), Ends()
    cost(ends, chat, chat.text())
    header = chat.text().header
    assert cost(ends, chat, ForeignRecord(header, None, BodyState.WITHHELD)) <= 50


def test_answers_of_the_other_end_name_what_was_said_here() -> None:
    names = Names(), Names()
    kim, lee = Chat(1), Chat(2)
    there, back = Ends(), Ends()
    there.ours, there.theirs = Stream(names[0]), Stream(names[1])
    back.ours, back.theirs = Stream(names[1]), Stream(names[0])
    cost(there, kim, kim.text())
    lee.heads, lee.now_ms = kim.heads, kim.now_ms
    assert cost(back, lee, lee.text(sender="lee")) <= 150, "a log has its key"
    for _ in range(5):
        kim.heads = lee.heads
        assert cost(there, kim, kim.text()) <= 65
        lee.heads = kim.heads
        assert cost(back, lee, lee.text(sender="lee")) <= 65
