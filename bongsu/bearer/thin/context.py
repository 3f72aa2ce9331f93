"""What both ends of a session know from what it has carried, so that it need not be said again. Pure.

`Names`: what either end has said, found by a short tag. `Stream`: what one end said last.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from bongsu.bearer.frame import refuse
from bongsu.bearer.thin.wire import Reader, Writer
from bongsu.canonical import decode_urlsafe_base64, read_json, unpadded_urlsafe_base64
from bongsu.errors import MatrixError
from bongsu.log.dictionary import DICTIONARY_1
from bongsu.log.record import BodyState, ForeignRecord, Kind, LogName
from bongsu.room.event import reference_hash
from bongsu.room.versions import DEFAULT, VERSIONS

TAG_BYTES = 4
HASH_CHARACTERS = 43  # of 32 bytes in base64
# A sender names only what is this fresh; a receiver holds more, since it may have forgotten in another order.
SAID_MAX, KEPT_MAX = 1_000, 4_000
NAME_CHARACTERS_MAX = 1_000
REFERENCES_MAX = 20  # that an event may name
LISTED_MAX = 500  # of each list of a stream; then nothing more is listed, at both ends
HISTORY_BYTES_MAX = 8_192
LITERAL, HASHED, TAGGED = 0, 1, 2
SIGILS = ("$", "!", "")


class Names:
    """Texts that either end of a session has said, by tags of their hashes."""

    def __init__(self) -> None:
        # None: two texts have this tag, and it stands for neither. The number says how fresh it is.
        self._by_tag: OrderedDict[bytes, tuple[str | None, int]] = OrderedDict()
        self._depths: OrderedDict[str, int] = OrderedDict()
        self._number = 0

    def add(self, text: str) -> None:
        """It has been said now."""
        if len(text) > NAME_CHARACTERS_MAX:
            return
        tag = _tag(text)
        self._number += 1
        before, _ = self._by_tag.get(tag, (text, 0))
        self._by_tag[tag] = (text if before == text else None), self._number
        self._by_tag.move_to_end(tag)
        if len(self._by_tag) > KEPT_MAX:
            self._by_tag.popitem(last=False)

    def note_depth(self, event_id: str, depth: int) -> None:
        """How deep an event is."""
        self._depths[event_id] = depth
        if len(self._depths) > KEPT_MAX:
            self._depths.popitem(last=False)

    def depth(self, event_ids: list[str]) -> int | None:
        """One more than the deepest of these, if all are known."""
        found = [self._depths.get(each) for each in event_ids]
        known = [each for each in found if each is not None]
        return 1 + max(known, default=0) if len(known) == len(found) else None

    def write(self, out: Writer, text: str) -> None:
        """A text: by its tag, as a hash of 32 bytes, or as it is."""
        tag = _tag(text)
        known, number = self._by_tag.get(tag, (None, 0))
        if known == text and self._number - number < SAID_MAX:
            out.uint(TAGGED)
            out.raw(tag)
            return
        for number, sigil in enumerate(SIGILS):
            digest = _digest(text, sigil)
            if digest is not None:
                out.uint(HASHED + 4 * (1 + number))
                out.raw(digest)
                return
        out.uint(LITERAL)
        out.text(text)

    def read(self, reader: Reader) -> str:
        """Undo `write`."""
        form = reader.uint(HASHED + 4 * len(SIGILS))
        if form == TAGGED:
            text, _ = self._by_tag.get(reader.raw(TAG_BYTES), (None, 0))
            if text is None:
                refuse("it names what has not been said")
            return text
        if form == LITERAL:
            return reader.text(4 * NAME_CHARACTERS_MAX)
        if form % 4 != HASHED or form < 5:
            refuse("a name is of an unknown form")
        return SIGILS[form // 4 - 1] + unpadded_urlsafe_base64(reader.raw(32))


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks where, from what: most of an event is as in the one before of the same voice."""

    room_id: str
    sender: str
    device_id: str | None
    path: str | None
    type: str

    @property
    def texts(self) -> tuple[str | None, ...]:
        """All that it consists of."""
        return self.room_id, self.sender, self.device_id, self.path, self.type


@dataclass(slots=True)
class Stream:
    """What one end has sent in this session. Both ends note the same records in the same order."""

    names: Names
    logs: list[tuple[bytes, LogName]] = field(default_factory=list)
    next_seq: dict[LogName, int] = field(default_factory=dict)
    links: dict[tuple[LogName, bytes], int] = field(default_factory=dict)
    scopes: list[bytes] = field(default_factory=list)
    voices: list[Voice] = field(default_factory=list)
    auth_events: dict[Voice, list[str]] = field(default_factory=dict)
    ciphers: dict[Voice, tuple[str, str, str]] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)  # the latest event of a room
    stamp: int = 0
    history: bytes = b""

    @property
    def before(self) -> bytes:
        """What a body is likely to resemble."""
        return DICTIONARY_1 + self.history

    def note_log(self, public_key: bytes, log: LogName) -> None:
        """A log has been named."""
        if (public_key, log) not in self.logs and len(self.logs) < LISTED_MAX:
            self.logs.append((public_key, log))

    def note(self, log: LogName, record: ForeignRecord) -> None:
        """A record has been sent."""
        header = record.header
        self.next_seq[log] = header.seq + 1
        self.stamp = header.stamp
        if header.scope not in self.scopes and len(self.scopes) < LISTED_MAX:
            self.scopes.append(header.scope)
        if (log, header.scope) in self.links or len(self.links) < 4 * LISTED_MAX:
            self.links[log, header.scope] = header.seq
        if record.state != BodyState.FULL or record.body is None:
            return
        self.history = (self.history + record.body)[-HISTORY_BYTES_MAX:]
        body = _object(record.body)
        if header.kind == Kind.EVENT:
            self._note_event(body)
        for value in body.values():
            if isinstance(value, str) and len(value) > TAG_BYTES:
                self.names.add(value)

    def _note_event(self, body: dict[str, Any]) -> None:
        pdu: Any = body.get("event")
        sent_by: Any = body.get("sent_by")
        try:
            event_id = "$" + reference_hash(pdu, VERSIONS[DEFAULT])
            voice = voice_of(pdu, sent_by)
            named = [*pdu["auth_events"], *pdu["prev_events"], event_id]
            depth, content = pdu["depth"], pdu["content"]
        except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError):
            return  # an event of no form that any node makes
        texts = [*named, *(each for each in voice.texts if each is not None)]
        if not all(isinstance(each, str) and len(each) <= NAME_CHARACTERS_MAX for each in texts):
            return
        if type(depth) is not int or len(named) > 2 * REFERENCES_MAX:
            return
        for text in texts:
            self.names.add(text)
        self.names.note_depth(event_id, depth)
        self._note_voice(voice, list(pdu["auth_events"]), event_id)
        if voice in self.auth_events and isinstance(content, dict) and "ciphertext" in content:
            cipher = cipher_of(content)
            if all(len(each) <= NAME_CHARACTERS_MAX for each in cipher):
                self.ciphers[voice] = cipher

    def _note_voice(self, voice: Voice, auth_events: list[str], event_id: str) -> None:
        if voice not in self.auth_events:
            if len(self.voices) >= LISTED_MAX:
                return
            self.voices.append(voice)
        self.auth_events[voice] = auth_events
        self.last[voice.room_id] = event_id


def voice_of(pdu: dict[str, Any], sent_by: dict[str, str] | None) -> Voice:
    """Whose event this is. KeyError: it lacks what every event has."""
    device, path = (None, None) if sent_by is None else (sent_by["device_id"], sent_by["path"])
    return Voice(pdu["room_id"], pdu["sender"], device, path, pdu["type"])


def cipher_of(content: dict[str, Any]) -> tuple[str, str, str]:
    """What of an encrypted event stays the same for many."""
    return tuple(str(content.get(name)) for name in ("device_id", "sender_key", "session_id"))  # type: ignore[return-value]


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = read_json(body, floats=True)
    except MatrixError:
        return {}
    return value if isinstance(value, dict) else {}


def _tag(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()[:TAG_BYTES]


def _digest(text: str, sigil: str) -> bytes | None:
    rest = text.removeprefix(sigil)
    if not text.startswith(sigil) or len(rest) != HASH_CHARACTERS:
        return None
    try:
        digest = decode_urlsafe_base64(rest)
    except MatrixError:
        return None
    return digest if unpadded_urlsafe_base64(digest) == rest else None
