"""The JSON reader against arbitrary values and arbitrary bytes."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.canonical import (
    canonical_bytes,
    check_canonical,
    decode_base64,
    decode_urlsafe_base64,
    json_bytes,
    read_json,
    unpadded_base64,
    unpadded_urlsafe_base64,
)
from bongsu.errors import MatrixError

text = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | text
values = st.recursive(scalars, lambda v: st.lists(v) | st.dictionaries(text, v), max_leaves=20)


@given(values)
def test_canonical_json_reads_back_and_is_a_fixed_point(value: Any) -> None:
    check_canonical(value)
    written = canonical_bytes(value)
    assert read_json(written) == value
    assert canonical_bytes(read_json(written)) == written
    reference = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    assert written == reference.encode()


@given(values, st.booleans(), st.sampled_from([None, 2]))
def test_any_spelling_of_a_value_reads_as_that_value(value: Any, ascii: bool, indent: int | None) -> None:
    assert read_json(json.dumps(value, ensure_ascii=ascii, indent=indent).encode()) == value


json_like = st.text('{}[]",:0123456789eE+-.\\u dDtrfalsn가').map(str.encode) | st.binary()


def accepted(read: Callable[[], Any]) -> tuple[Any, bool]:
    """What `read` returns and True, or None and False if it refuses in the one way it may."""
    try:
        return read(), True
    except MatrixError as error:
        refusal = error
    assert (refusal.status, refusal.errcode) in ((400, "M_NOT_JSON"), (400, "M_BAD_JSON"))
    return None, False


@given(json_like, st.booleans())
@settings(max_examples=500)
def test_any_bytes_are_read_strictly_or_refused(raw: bytes, floats: bool) -> None:
    value, read = accepted(lambda: read_json(raw, floats=floats))
    if read:
        assert value == json.loads(raw)
        json_bytes(value)


@given(values, st.integers(0, 500), st.binary(max_size=3))
def test_damaged_json_is_read_strictly_or_refused(value: Any, place: int, damage: bytes) -> None:
    raw = json_bytes(value)
    place %= len(raw) + 1
    raw = raw[:place] + damage + raw[place + len(damage) :]
    changed, read = accepted(lambda: read_json(raw))
    if read:
        assert canonical_bytes(changed) == canonical_bytes(json.loads(raw))


@given(st.binary())
def test_base64_reads_back(data: bytes) -> None:
    assert decode_base64(unpadded_base64(data)) == data
    assert decode_urlsafe_base64(unpadded_urlsafe_base64(data)) == data
    assert "=" not in unpadded_base64(data) + unpadded_urlsafe_base64(data)


@given(st.text())
def test_base64_of_anything_else_is_refused(text: str) -> None:
    for decode, encode in (
        (decode_base64, unpadded_base64),
        (decode_urlsafe_base64, unpadded_urlsafe_base64),
    ):
        data, read = accepted(partial(decode, text))
        if read:
            assert len(encode(data)) == len(text.rstrip("="))
