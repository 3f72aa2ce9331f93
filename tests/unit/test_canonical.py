"""What the JSON reader takes, what it refuses and with which code."""

from typing import Any

import msgspec
import pytest

from bongsu import limits
from bongsu.canonical import (
    canonical_bytes,
    check_canonical,
    decode_base64,
    decode_urlsafe_base64,
    json_bytes,
    read_json,
    read_object,
    unpadded_base64,
    unpadded_urlsafe_base64,
)
from bongsu.errors import MatrixError

DEPTH = limits.JSON_DEPTH_MAX
INTEGER = limits.JSON_INTEGER_MAX


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        # The examples of Appendices § Canonical JSON.
        (b"{}", "{}"),
        (b'{ "one": 1,\n "two": "Two" }', '{"one":1,"two":"Two"}'),
        (b'{"b":"2","a":"1"}', '{"a":"1","b":"2"}'),
        ('{"a": "日本語"}'.encode(), '{"a":"日本語"}'),
        ('{"本": 2, "日": 1}'.encode(), '{"日":1,"本":2}'),
        (b'{"a": "\\u65E5"}', '{"a":"日"}'),
        (b'{"a": null}', '{"a":null}'),
        (b'{"a": -0}', '{"a":0}'),
        (b'"\\ud83d\\ude00"', '"\U0001f600"'),
        ('{"\uffff":1,"\U0001f600":2}'.encode(), '{"\uffff":1,"\U0001f600":2}'),
        (b'"\\u0000\\u001f\\u007f\\/"', '"\\u0000\\u001f\x7f/"'),
        (str(INTEGER).encode(), str(INTEGER)),
        (str(-INTEGER).encode(), str(-INTEGER)),
        (b"[" * DEPTH + b"]" * DEPTH, "[" * DEPTH + "]" * DEPTH),
        (b'["' + b"[{" * DEPTH + b'\\""]', '["' + "[{" * DEPTH + '\\""]'),
        (b"[" + b"[]," * DEPTH + b"1]", "[" + "[]," * DEPTH + "1]"),
    ],
)
def test_reads_and_writes_canonical_json(raw: bytes, canonical: str) -> None:
    value = read_json(raw)
    check_canonical(value)
    assert canonical_bytes(value) == canonical.encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"nul",
        b"{}{}",
        b"{} x",
        b"{'a':1}",
        b'{"a":1,}',
        b"[01]",
        b'"\x00"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        b'"\\x"',
        b'"' + b'\\"' * 200,
        b'{"a":' * 90,
    ],
)
def test_refuses_what_is_not_json(raw: bytes) -> None:
    with pytest.raises(MatrixError) as refusal:
        read_json(raw)
    assert (refusal.value.status, refusal.value.errcode) == (400, "M_NOT_JSON")


@pytest.mark.parametrize(
    "raw",
    [
        b"1.1",
        b"1e10",
        b"1.0",
        b"1e999",
        b"-0.0",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        str(INTEGER + 1).encode(),
        str(-INTEGER - 1).encode(),
        b"9" * 5000,
        b'"\\ud800"',
        b'{"\\uDfff":1}',
        b'["\\udc00\\ud800"]',
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1),
        b'{"a":' * (DEPTH + 1) + b"1" + b"}" * (DEPTH + 1),
        b"[" * 100_000,
        b'["' + b"[" * DEPTH + b'",' + b"[" * DEPTH + b"]" * (DEPTH + 1),
    ],
)
def test_refuses_json_that_no_event_may_hold(raw: bytes) -> None:
    with pytest.raises(MatrixError) as refusal:
        read_json(raw)
    assert (refusal.value.status, refusal.value.errcode) == (400, "M_BAD_JSON")


def test_reads_finite_floats_when_told_to() -> None:
    assert read_json(b"[1.5, 1e3, -0.0]", floats=True) == [1.5, 1000.0, 0.0]
    with pytest.raises(MatrixError, match="M_BAD_JSON"):
        read_json(b"1e999", floats=True)
    with pytest.raises(MatrixError, match="M_BAD_JSON"):
        read_json(b"NaN", floats=True)


@pytest.mark.parametrize("raw", [b"[]", b'"a"', b"1", b"null"])
def test_an_object_is_an_object(raw: bytes) -> None:
    assert read_object(b'{"a":1.5}', floats=True) == {"a": 1.5}
    with pytest.raises(MatrixError, match="M_BAD_JSON"):
        read_object(raw)


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        INTEGER + 1,
        -INTEGER - 1,
        "\ud800",
        {"\udfff": 1},
        {1: 1},
        (1,),
        b"a",
        {"a": [{"b": {1}}]},
    ],
)
def test_check_canonical_refuses(value: Any) -> None:
    with pytest.raises(MatrixError, match="M_BAD_JSON"):
        check_canonical(value)


def test_check_canonical_bounds_the_depth() -> None:
    value: Any = 1
    for _ in range(DEPTH):
        value = [value]
    check_canonical(value)
    with pytest.raises(MatrixError, match="nested"):
        check_canonical([value])


def test_answers_splice_bytes_that_are_json_already() -> None:
    assert json_bytes({"b": msgspec.Raw(b'{"x":1}'), "a": 1.5}) == b'{"b":{"x":1},"a":1.5}'


def test_base64_is_unpadded_and_strict() -> None:
    assert unpadded_base64(b"\xfb\xff") == "+/8"
    assert unpadded_urlsafe_base64(b"\xfb\xff") == "-_8"
    assert decode_base64("+/8") == decode_base64("+/8=") == decode_urlsafe_base64("-_8") == b"\xfb\xff"
    for text in ("-_8", "+/8\n", "a", "가", "+=/8"):
        with pytest.raises(MatrixError, match="M_BAD_JSON"):
            decode_base64(text)
    with pytest.raises(MatrixError, match="M_BAD_JSON"):
        decode_urlsafe_base64("+/8")
