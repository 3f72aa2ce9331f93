"""Writes web/tests/vectors/tower.json: what the server signs, for the web client's tests to make, too."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bongsu.canonical import canonical_bytes, unpadded_base64
from bongsu.tower import alert, brief, keys, signed
from bongsu.towers import OfficerKey
from tests.helpers.tower import Officer, alert_content

VECTORS = Path(__file__).parents[2] / "web" / "tests" / "vectors" / "tower.json"
WORDS = "다섯 봉수대 가운데 하나"
SENT = 1_795_000_000_000
# Keys in the order of code points, not of UTF-16 units; what JSON escapes and what it does not.
ODD: dict[str, Any] = {
    "\U00010000": 1,
    "\ufb33": 2,
    "é": -3,
    "z": '\u2028 " \\ / \x7f \n \x1f 🔥 가',
    "a": [True, False, None, {"": 9007199254740991}],
}


def vectors() -> dict[str, Any]:
    """All of them, made by the server's own code."""
    officer = Officer("강릉시장", seed=7)
    public, seed = officer.key.public, (7).to_bytes(32, "big")
    contents = [
        alert_content(officer.id, sent=SENT),
        alert_content(
            officer.id,
            sent=SENT,
            status="Actual",
            msg_type="Update",
            category="CBRNE",
            severity="Minor",
            urgency="Future",
            certainty="Unlikely",
            areas=["gyeongpo", "okgye"],
            references=["00112233445566778899aabbccddeeff"],
            texts={
                "ko": {
                    "headline": "가나다 라마바  사아자 차카타, 파하 " * 8,
                    "description": "",
                    "instruction": "",
                }
            },
        ),
    ]
    return {
        "canonical": [{"value": ODD, "text": canonical_bytes(ODD).decode()}],
        "key": {
            "seed": unpadded_base64(seed),
            "public": unpadded_base64(public),
            "id": officer.id,
            "name": officer.name,
            "request": keys.request(public, officer.name, officer.key.sign_bytes),
        },
        "key_file": {"passphrase": WORDS, "text": _key_file(seed)},
        "alerts": [_alert(officer, each) for each in contents],
    }


def _key_file(seed: bytes) -> str:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "officer.key"
        OfficerKey(seed).save(file, WORDS)
        return file.read_text(encoding="utf-8")


def _alert(officer: Officer, content: dict[str, Any]) -> dict[str, Any]:
    payload = brief.payload(content)
    raw = brief.encode(payload, officer.id, bytes(brief.SIGNATURE_BYTES))
    return {
        "content": content,
        "id": alert.alert_id(content),
        "sign": unpadded_base64(signed.message(signed.ALERT, content)),
        "signature": officer.sign(signed.ALERT, content),
        "headline": brief.decode(raw).headline,
        "brief": unpadded_base64(brief.DOMAIN + payload),
    }


def text() -> str:
    """The file's text. A key's file is sealed anew each time."""
    return json.dumps(vectors(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{VECTORS}\n")
