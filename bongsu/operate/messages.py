"""How messages look on standard error: lines for people, or JSON objects for whatever collects them."""

import json
import logging
import time


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        moment = time.gmtime(record.created)
        said = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', moment)}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def set_up(level: str, shape: str) -> None:
    """Send messages of at least `level` to standard error. `shape`: the setting log_format."""
    handler = logging.StreamHandler()
    if shape == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("_granian").setLevel(logging.ERROR)
    # It notes every address it asks, and a browser's push address is a secret of its owner.
    logging.getLogger("httpx").setLevel(logging.WARNING)
