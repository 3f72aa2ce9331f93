"""Findings about what a node set aside because two of it wrote under one key."""

from collections.abc import Iterator
from pathlib import Path

from bongsu.operate.finding import Finding


def forked_findings(data: Path) -> Iterator[Finding]:
    """What was set aside because this node's key had signed two histories."""
    for path in sorted(data.glob("log.db.forked-*")):
        if not path.name.endswith(("-wal", "-shm")):
            yield Finding(
                f"forked {path.name}",
                False,
                "이 서버의 메모리나 디스크 복사본이 함께 돌았습니다. 한 서버만 켜져 있는지 확인하고,"
                f" 필요 없으면 {path}를 지우세요.",
                "A copy of this node ran beside it, or it went on from an image of its memory. Both histories"
                f" are kept. See to it that only one runs, then delete {path}.",
            )
