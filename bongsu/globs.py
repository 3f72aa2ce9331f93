"""Globs of filters and push rules: `*` any run of characters, `?` one. Pure, never exponential."""


def matches(glob: str, text: str) -> bool:
    """Whether the whole of `text` matches `glob`.

    Greedy with one point of return, so that no glob of a client can cost more than
    len(glob) * len(text) steps (CVE-2023-45129 was a regular expression).
    """
    if "*" not in glob and "?" not in glob:
        return glob == text
    position = start = 0
    star = restart = -1
    while position < len(text):
        if start < len(glob) and glob[start] == "*":
            star, restart = start, position
            start += 1
        elif start < len(glob) and glob[start] in ("?", text[position]):
            start += 1
            position += 1
        elif star >= 0:
            restart += 1
            start, position = star + 1, restart
        else:
            return False
    return all(character == "*" for character in glob[start:])
