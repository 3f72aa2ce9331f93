"""Messages as JSON: one object a line, whatever they hold."""

import json
import logging
import sys

from bongsu.operate.messages import JsonFormatter


def record(message: str, *arguments: object, failed: bool = False) -> logging.LogRecord:
    info = None
    if failed:
        try:
            raise ValueError("고장")
        except ValueError:
            info = sys.exc_info()
    return logging.LogRecord("bongsu.test", logging.WARNING, "file", 1, message, arguments, info)


def test_a_message_is_one_object() -> None:
    line = JsonFormatter().format(record("두 줄\n%s", '"'))
    assert "\n" not in line
    said = json.loads(line)
    assert said["message"] == '두 줄\n"'
    assert (said["level"], said["logger"]) == ("warning", "bongsu.test")
    assert said["time"].endswith("Z")


def test_a_traceback_is_in_it() -> None:
    said = json.loads(JsonFormatter().format(record("failed", failed=True)))
    assert "ValueError: 고장" in said["exception"]
