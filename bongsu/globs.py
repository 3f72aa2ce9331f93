"""Globs of filters and push rules: `*` any run of characters, `?` one. Pure, never exponential."""

from collections.abc import Iterator

_WORD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


def matches(glob: str, text: str) -> bool:
    """Whether the whole of `text` matches `glob`.

    The runs between the stars are found one after the other, each as early as it can be, so that no glob
    of a client can cost more than its runs times the text (CVE-2023-45129 was a regular expression).
    """
    if "*" not in glob:
        return _stands_at(glob, text, 0) and len(glob) == len(text)
    first, *middle, last = glob.split("*")
    end = len(text) - len(last)
    if end < len(first) or not (_stands_at(first, text, 0) and _stands_at(last, text, end)):
        return False
    return _after(middle, text, len(first)) in range(end + 1)


def contains(glob: str, text: str) -> bool:
    """Whether some part of `text` that begins and ends at word boundaries matches `glob`.

    Spec: § Conditions, `content.body`: a boundary is an end of the text or a character outside A-Z, a-z,
    0-9 and _; so a Korean name is found inside a word.
    """
    first, *rest = glob.split("*")
    if not rest:
        return any(_ends(text, place + len(glob)) for place in _found(glob, text) if _begins(text, place))
    start = next((place for place in _found(first, text) if not first or _begins(text, place)), None)
    if start is None:
        return False
    *middle, last = rest
    position = _after(middle, text, start + len(first))
    if position < 0:
        return False
    return not last or any(_ends(text, place + len(last)) for place in _found(last, text, position))


def contains_word(word: str, text: str) -> bool:
    """Whether `text` has `word` between word boundaries; its stars and question marks are what they are."""
    place = text.find(word)
    while place >= 0:
        if _begins(text, place) and _ends(text, place + len(word)):
            return True
        place = text.find(word, place + 1)
    return False


def _begins(text: str, place: int) -> bool:
    return place == 0 or text[place - 1] not in _WORD


def _ends(text: str, place: int) -> bool:
    return place == len(text) or text[place] not in _WORD


def _after(runs: list[str], text: str, position: int) -> int:
    """Where the text goes on behind the first places of the runs in order; -1 if one is missing."""
    for run in runs:
        place = next(_found(run, text, position), -1)
        if place < 0:
            return -1
        position = place + len(run)
    return position


def _stands_at(run: str, text: str, place: int) -> bool:
    if "?" not in run:
        return text.startswith(run, place)
    part = text[place : place + len(run)]
    return len(part) == len(run) and all(
        wanted in ("?", found) for wanted, found in zip(run, part, strict=True)
    )


def _found(run: str, text: str, start: int = 0) -> Iterator[int]:
    """Every place of a run that has no star."""
    if "?" not in run:
        place = text.find(run, start)
        while place >= 0:
            yield place
            place = text.find(run, place + 1)
        return
    # Shift-and: bit n is set while the last n+1 characters match the run's first n+1.
    anything = sum(1 << index for index, wanted in enumerate(run) if wanted == "?")
    wanted_at: dict[str, int] = {}
    for index, wanted in enumerate(run):
        wanted_at[wanted] = wanted_at.get(wanted, anything) | 1 << index
    whole = 1 << len(run) - 1
    state = 0
    for index in range(start, len(text)):
        state = (state << 1 | 1) & wanted_at.get(text[index], anything)
        if state & whole:
            yield index - len(run) + 1
