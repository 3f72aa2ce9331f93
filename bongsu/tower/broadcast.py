"""The text for cell broadcast: 90 characters for older phones, 157 for newer ones. Pure."""

from typing import Any

from bongsu.tower.shorten import shorten

CHARACTERS = (90, 157)
_OF_STATUS = {"Exercise": "[훈련]", "Test": "[시험]"}
_OF_TYPE = {"Update": "[정정]", "Cancel": "[해제]"}


def length(text: str) -> int:
    """How many characters the text counts for on the air: cell broadcast sends UTF-16."""
    return len(text.encode("utf-16-be")) // 2


def cell_broadcast(content: dict[str, Any], characters_max: int) -> str:
    """An alert's Korean text of at most so many characters. An exercise says so first."""
    said = content["texts"]["ko"]
    marks = _OF_STATUS.get(content["status"], "") + _OF_TYPE.get(content["msg_type"], "")
    sentences = [said["headline"], said.get("instruction", ""), said.get("description", "")]
    whole = marks
    for number, sentence in enumerate(each.strip() for each in sentences):
        if not sentence:
            continue
        before = f"{whole} " if whole else ""

        def fits(text: str, before: str = before) -> bool:
            return length(before + text) <= characters_max

        added = shorten(sentence, fits)
        if not added or (number and length(added) < 8):
            break
        whole = before + added
    return whole
