"""What a node says of another's logs names the record, not only its number."""

from bongsu.bearer import word
from bongsu.log.epoch import Held
from bongsu.log.record import Lane, LogName

NODE = bytes(16)
TEXT = Held(LogName(NODE, 7, Lane.TEXT), 1, 3, b"h" * 32)


def test_what_is_said_is_read() -> None:
    bulk = Held(LogName(NODE, 7, Lane.BULK), 1, 1, b"i" * 32)
    said = word.encode([TEXT, bulk])
    assert list(word.decode(NODE, said)) == [(TEXT.log, 3, TEXT.hash), (bulk.log, 1, bulk.hash)]


def test_what_is_something_else_says_nothing() -> None:
    said = word.encode([TEXT])
    assert list(word.decode(NODE, said[:-1])) == []
    assert list(word.decode(NODE, said[:8] + b"\x09" + said[9:])) == [], "no such lane"
    assert list(word.decode(NODE, said * 10_000)) == []
