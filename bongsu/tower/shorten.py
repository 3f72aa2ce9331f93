"""Shortening texts: with an ellipsis, and never inside a word unless one alone is too long. Pure."""

from collections.abc import Callable

ELLIPSIS = "…"


def shorten(text: str, fits: Callable[[str], bool]) -> str:
    """The whole text if it fits, else the words that fit and an ellipsis; "" if not even that does."""
    words = " ".join(text.split())
    if fits(words):
        return words
    ends = [at for at, letter in enumerate(words) if letter == " "]
    for end in reversed(ends):
        shorter = words[:end].rstrip(" ,.·") + ELLIPSIS
        if fits(shorter):
            return shorter
    for end in range(len(words) - 1, 0, -1):
        if fits(words[:end] + ELLIPSIS):
            return words[:end] + ELLIPSIS
    return ""
