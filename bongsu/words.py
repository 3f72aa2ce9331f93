"""Text as searches compare it, and its pairs of letters. Pure. Why pairs: docs/decisions/search.md."""

import re
import unicodedata
from operator import add

from bongsu import limits

_WORD = re.compile(r"[^\W_]+")


def normalised(text: str) -> str:
    """One form for what reads alike: composed syllables (macOS sends them apart), no capitals."""
    return unicodedata.normalize("NFKC", text[: limits.SEARCH_TEXT_CHARACTERS_MAX]).casefold()


def words(text: str) -> list[str]:
    """The words of a normalised text: runs of letters and digits."""
    return _WORD.findall(text)


def grams(text: str) -> str:
    """What the index keeps of a normalised text: each word's pairs of letters, and its last letter alone."""
    found: list[str] = []
    for word in dict.fromkeys(words(text)):
        found += map(add, word, word[1:])
        found.append(word[-1])
    return " ".join(dict.fromkeys(found))


def query(term: str) -> str | None:
    """The index's query for a normalised search term: every pair of every word; None if it has no word."""
    asked: dict[str, None] = {}
    for word in words(term)[: limits.SEARCH_WORDS_MAX]:
        if len(word) == 1:
            asked[f'"{word}"*'] = None
        asked.update((f'"{word[at : at + 2]}"', None) for at in range(len(word) - 1))
    return " AND ".join(asked) or None
