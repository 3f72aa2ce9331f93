"""A copy of a node's log and media while it runs, and a new data directory made of one."""

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from bongsu.clock import Clock
from bongsu.config import Config
from bongsu.enrolment import with_root_key
from bongsu.errors import FatalError
from bongsu.files import make_data_folder, sync_folder, write_whole
from bongsu.log.key import NodeKey
from bongsu.log.reader import Damaged, Reader
from bongsu.log.schema import INSERT_SIGNATURE, connect
from bongsu.log.store import LogStore
from bongsu.log.writer import SIGNATURE_BYTES_MAX, SIGNATURE_RECORDS_MAX
from bongsu.node import Node

PAGES_AT_ONCE = 2_048
LAST = "backup.json"  # in the data directory: when the last copy was made
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Copied:
    """How much was copied: bytes of the log, files of media that were not there yet, and their bytes."""

    log_bytes: int
    media_files: int
    media_bytes: int


def backup(
    config: Config, out: Path, media: Path | None, *, with_key: bool, clock: Clock, progress: Progress
) -> Copied:
    """Copy log.db to `out`, then what `media` lacks of the media; the node may run meanwhile.

    The log goes first: a file is there before the record that names it.
    Raises:
        FatalError: there is no node, or the copy cannot be written or is not whole.
    """
    source = config.data / "log.db"
    if not source.is_file():
        raise FatalError(f"There is no node in {config.data}. Check the setting data.")
    key = NodeKey.load(config.data / "node.key")
    part = out.with_name(f"{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _copy_log(source, part, progress)
        _sign_own_logs(part, key)
        part.replace(out)
        sync_folder(out.parent)
        if with_key:
            write_whole(out.with_name(f"{out.name}.key"), (config.data / "node.key").read_bytes())
        files, size = (0, 0) if media is None else copy_media(config.data / "media", media)
    except (sqlite3.Error, OSError, Damaged) as error:
        part.unlink(missing_ok=True)
        raise FatalError(f"No copy was made: {error}. Check the disk, and `bongsu verify`.") from error
    said = {"made_ms": clock.now_ms(), "out": str(out.resolve())}
    try:
        write_whole(config.data / LAST, json.dumps(said).encode())
    except OSError as error:
        raise FatalError(
            f"The copy is made, but {config.data} cannot note when: {error.strerror}."
        ) from error
    return Copied(out.stat().st_size, files, size)


def _copy_log(source: Path, target: Path, progress: Progress) -> None:
    target.unlink(missing_ok=True)
    descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        reading = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        with closing(reading), closing(sqlite3.connect(target, isolation_level=None)) as writing:
            # One moment of the log: without it, every write meanwhile would begin the copy anew.
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM logs").fetchone()

            def step(_: int, remaining: int, total: int) -> None:
                progress(total - remaining, total)

            reading.backup(writing, pages=PAGES_AT_ONCE, progress=step)
            # A file by itself: whoever carries it away must not leave a write-ahead file behind.
            writing.execute("PRAGMA journal_mode=DELETE").fetchall()
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sign_own_logs(path: Path, key: NodeKey) -> None:
    """Sign this node's logs piece by piece, as others' are kept: under another key they are handed on so.

    Raises:
        Damaged: a record of them is not what was written.
    """
    with closing(connect(path)) as connection:
        reader = Reader(connection)
        connection.execute("BEGIN")
        for (log_id,) in reader.rows("SELECT log_id FROM logs WHERE node=? AND head_seq>0", (key.node,)):
            _sign(reader, key, log_id)
        connection.execute("COMMIT")


def _sign(reader: Reader, key: NodeKey, log_id: int) -> None:
    after = 0
    while records := reader.log(log_id, after + 1, SIGNATURE_RECORDS_MAX):
        size, last = 0, records[0]
        for record in records:
            size += len(record.body or b"")
            if size > SIGNATURE_BYTES_MAX // 2 and record is not records[0]:
                break
            last = record
        signature = key.sign([last.hash])
        reader.rows(INSERT_SIGNATURE, (log_id, last.header.seq, after, size, signature))
        after = last.header.seq


def copy_media(source: Path, target: Path) -> tuple[int, int]:
    """Copy files that `target` lacks; (files, bytes). One whose bytes do not fit its name is left out."""
    files = size = 0
    for path in sorted(source.glob("[0-9a-f][0-9a-f]/*")):
        copy = target / path.parent.name / path.name
        if copy.exists() and copy.stat().st_size == path.stat().st_size:
            continue
        with path.open("rb") as file:
            if file_digest(file, "sha256").hexdigest() != path.parent.name + path.name:
                continue
        copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = copy.with_name(f"{copy.name}.part")
        shutil.copyfile(path, part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(copy)
        sync_folder(copy.parent)
        files, size = files + 1, size + copy.stat().st_size
    return files, size


@dataclass(frozen=True, slots=True)
class Restored:
    """What a new data directory holds, and how long making it took."""

    records: int
    media_files: int
    seconds: float


def restore(
    config: Config,
    copy: Path,
    media: Path | None,
    *,
    key_file: Path | None,
    clock: Clock,
    say: Callable[[str], None],
    progress: Progress,
) -> Restored:
    """Make `config.data` of a copy: check every record, then build the view.

    Raises:
        FatalError: there are data already, or the copy is not whole; then nothing is left there.
    """
    began = time.monotonic()
    data = config.data
    if (data / "log.db").exists():
        raise FatalError(f"There is a node in {data} already. Give an empty directory.")
    if not copy.is_file():
        raise FatalError(f"There is no copy {copy}. `bongsu backup` makes one.")
    if key_file is None and with_root_key(config).root_key is None:
        raise FatalError(
            "A service without a root key believes its own node alone, so without that node's key nothing in"
            " the copy counts. Give --key, or --root-key if the service has one."
        )
    made_key = not (data / "node.key").exists()
    make_data_folder(data)
    if key_file is not None:
        _keep_key(data, key_file)
    _take(copy, data / "log.db")
    say("Checking every chain, hash and signature.")
    try:
        _check(config, clock, progress)
    except FatalError:
        if made_key:
            # The next try may be without --key: it would take this one for the node's own.
            (data / "node.key").unlink(missing_ok=True)
        raise
    files = 0 if media is None else copy_media(media, data / "media")[0]
    say("Building the view.")
    node = Node.open(config, clock, progress, repaired=True)
    try:
        return Restored(node.log.head_position, files, time.monotonic() - began)
    finally:
        node.close()


def _take(copy: Path, log: Path) -> None:
    part = log.with_name(f"{log.name}.part")
    try:
        shutil.copyfile(copy, part)
        part.chmod(0o600)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(log)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FatalError(f"The copy {copy} cannot be taken over: {error}. Check the disk.") from error


def _keep_key(data: Path, file: Path) -> None:
    path = data / "node.key"
    try:
        key = file.read_bytes()
        NodeKey(key)
        if not path.exists():
            write_whole(path, key, replace=False)
    except (OSError, ValueError) as error:
        raise FatalError(f"The key {file} cannot be used: {error}.") from error
    if path.read_bytes() != key:
        raise FatalError(f"{data} has the key of another node. Leave --key out, or give an empty directory.")


def _check(config: Config, clock: Clock, progress: Progress) -> None:
    path = config.data / "log.db"
    try:
        key = NodeKey.open(config.data / "node.key")
        store = LogStore.open(path, key, clock=clock, free_bytes_min=config.free_bytes_min)
        try:
            total = store.head_position
            problems = store.verify(lambda done: progress(min(done, total), total)).problems
        finally:
            store.close()
        if problems:
            raise FatalError(problems[0])
    except FatalError as error:
        path.unlink(missing_ok=True)
        raise FatalError(f"The copy is not whole: {error} Take another one.") from error
