"""Globs against a plain reference, and that no glob is slow."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.globs import contains, contains_word, matches

WORD = string.ascii_letters + string.digits + "_"
GLOBS = st.text(alphabet="ab*? ", max_size=8)
TEXTS = st.text(alphabet="ab 가", max_size=10)


def whole(glob: str, text: str) -> bool:
    pattern = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in glob)
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def boundaries(text: str) -> list[int]:
    return [
        place
        for place in range(len(text) + 1)
        if place in (0, len(text)) or text[place - 1] not in WORD or text[place] not in WORD
    ]


@given(GLOBS, TEXTS)
def test_matches(glob: str, text: str) -> None:
    assert matches(glob, text) is whole(glob, text)


@given(GLOBS, TEXTS)
def test_contains(glob: str, text: str) -> None:
    begins = [place for place in boundaries(text) if place == 0 or text[place - 1] not in WORD]
    ends = [place for place in boundaries(text) if place == len(text) or text[place] not in WORD]
    expected = any(whole(glob, text[begin:end]) for begin in begins for end in ends if begin <= end)
    assert contains(glob, text) is expected


@pytest.mark.parametrize(
    ("word", "text", "expected"),
    [("a*", "b a* c", True), ("a*", "b ab c", False), ("봉수", "우리봉수야", True), ("봉수", "봉수1", False)],
)
def test_contains_word(word: str, text: str, expected: bool) -> None:
    assert contains_word(word, text) is expected


@pytest.mark.parametrize("glob", ["*a" * 128 + "b", "?" * 255 + "b", "*?a" * 80 + "b", "a" * 255 + "b"])
def test_long_globs_end(glob: str) -> None:
    assert not matches(glob, "a" * 60_000)
    assert not contains(glob, "a" * 60_000)
