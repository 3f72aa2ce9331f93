"""What `bongsu carry` does: at a stopped node's data, or at a running node's address."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from bongsu.bearer import carry
from bongsu.config import Config
from bongsu.courier.export import Exported
from bongsu.courier.take import take as take_file
from bongsu.errors import FatalError
from bongsu.offline import run_stopped
from bongsu.service import Service

Progress = Callable[[int, int], None]
PATH = "/_bongsu/client/v1/courier"
PIECE_BYTES = 262_144
ANSWER_S = 300.0


def export(config: Config, url: str | None, to: str, file: Path, progress: Progress) -> Exported:
    """Write a file for a site; it has its name only once it is whole.

    Raises:
        FatalError, MatrixError: there is no such destination, or the node does not answer.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as out:
            done = _fetch(url, to, out, progress) if url else _write(config, to, out, progress)
        part.replace(file)
        return done
    finally:
        part.unlink(missing_ok=True)


def take(config: Config, url: str | None, file: Path, progress: Progress) -> dict[str, Any]:
    """Take a file: what became of it, as docs/protocol/carry.md has it.

    Raises:
        FatalError, MatrixError: nothing was taken; the sentence says why.
    """
    size = file.stat().st_size
    if url is not None:
        return _post(url, file, size, progress)

    async def work(service: Service) -> dict[str, Any]:
        with file.open("rb") as raw:
            done = await take_file(service.node, raw.read, lambda _: progress(raw.tell(), size))
        return done.as_json()

    return run_stopped(config, work)


def inspect(file: Path) -> dict[str, Any]:
    """What anybody can read of a file.

    Raises:
        Unreadable: it is none.
    """
    with file.open("rb") as raw:
        header, _ = carry.read_header(raw.read)
    return {
        "id": header.file_id.hex(),
        "from": header.source,
        "node": header.node.hex(),
        "to": header.destination,
        "created": _date(header.created_ms),
        "expires": _date(header.expires_ms),
        "bytes": file.stat().st_size,
        "readers": len(header.recipients),
    }


def _date(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return f"{ms} ms"


def _write(config: Config, to: str, out: io.BufferedWriter, progress: Progress) -> Exported:
    async def work(service: Service) -> Exported:
        return await service.desk.export_to(to, out.write, 2**63, progress)

    return run_stopped(config, work)


def _fetch(url: str, to: str, out: io.BufferedWriter, progress: Progress) -> Exported:
    done = Exported(b"")
    try:
        with httpx.stream(
            "GET", f"{url.rstrip('/')}{PATH}/export", params={"to": to}, timeout=ANSWER_S
        ) as got:
            if got.status_code != 200:
                got.read()
                raise FatalError(_sentence(got))
            done.records = int(got.headers.get("x-bongsu-records", 0))
            done.complete = got.headers.get("x-bongsu-complete") != "false"
            total = int(got.headers.get("content-length", 0))
            for piece in got.iter_bytes(PIECE_BYTES):
                out.write(piece)
                done.size += len(piece)
                progress(done.size, max(total, done.size))
    except httpx.HTTPError as error:
        raise FatalError(f"{url} does not answer ({error}). Is the node running there?") from error
    return done


def _post(url: str, file: Path, size: int, progress: Progress) -> dict[str, Any]:
    def pieces() -> Iterator[bytes]:
        sent = 0
        with file.open("rb") as raw:
            while piece := raw.read(PIECE_BYTES):
                yield piece
                sent += len(piece)
                progress(sent, size)

    headers = {"content-length": str(size), "content-type": "application/octet-stream"}
    try:
        got = httpx.post(f"{url.rstrip('/')}{PATH}", content=pieces(), headers=headers, timeout=ANSWER_S)
    except httpx.HTTPError as error:
        raise FatalError(f"{url} does not answer ({error}). Is the node running there?") from error
    if got.status_code != 200:
        raise FatalError(_sentence(got))
    answered: dict[str, Any] = got.json()
    return answered


def _sentence(got: httpx.Response) -> str:
    try:
        return str(got.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"The node answered {got.status_code}."
