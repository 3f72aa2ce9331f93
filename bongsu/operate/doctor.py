"""`bongsu doctor`: what is wrong with a node or soon will be, from its data, its settings and its machine."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from bongsu import limits
from bongsu.certificate_ends import DAY_MS, DAYS_WARNED, days_left, tls_end_ms
from bongsu.config import Config
from bongsu.enrolment import own_certificate, with_root_key
from bongsu.errors import FatalError
from bongsu.log.files import free_bytes
from bongsu.log.key import NodeKey
from bongsu.operate.backup import LAST
from bongsu.operate.finding import Finding, certificate_finding
from bongsu.operate.forked_findings import forked_findings
from bongsu.setting_values import is_loopback
from bongsu.suspicion import SUSPECT

MIB = 1024 * 1024
CONNECT_S = 2.0
FSYNC_MS_SLOW = 100
BACKUP_DAYS_MAX = 7
CLOCK_S_MAX = 60


def examine(config: Config, url: str | None) -> list[Finding]:
    """Every finding, the serious ones first. `url`: the private listener of the node, if it runs."""
    found = [*_clock(), *_disk(config), *_files(config), *_certificates(config), *_links(config)]
    found += [*_backups(config), *_settings(config)]
    if url is not None:
        found += _running(url)
    once = {each.name: each for each in found}
    return sorted(once.values(), key=lambda each: not each.serious)


def examine_machine(config: Config) -> list[Finding]:
    """What a running node tells the tower of its machine: no addresses of others, no paths of its disk."""
    found = [*_clock(), *_disk(config), *_files(config), *_certificates(config), *_backups(config)]
    found += _settings(config)
    folder = f"{config.data}{os.sep}"
    return [
        replace(
            each,
            korean=each.korean.replace(folder, ""),
            english=each.english.replace(folder, ""),
        )
        for each in found
    ]


def _clock() -> Iterator[Finding]:
    now_ms = time.time_ns() // 1_000_000
    if now_ms < limits.BUILD_DATE_MS:
        yield Finding(
            "clock",
            True,
            "이 컴퓨터의 시계가 프로그램보다 오래된 날짜입니다. 시계를 맞추세요(timedatectl set-ntp true).",
            "This machine's clock is older than the program. Set it (timedatectl set-ntp true).",
        )


def _disk(config: Config) -> Iterator[Finding]:
    data = config.data
    if not data.is_dir():
        yield Finding(
            "data",
            True,
            f"데이터 폴더 {data}가 없습니다. 설정 data를 확인하세요.",
            f"There is no directory {data}. Check the setting data.",
        )
        return
    free = free_bytes(data / "log.db")
    if free < limits.HEALTH_DISK_FACTOR * config.free_bytes_min:
        yield Finding(
            "disk",
            free < config.free_bytes_min,
            f"디스크에 {free // MIB} MiB만 남았습니다. 공간을 비우세요.",
            f"The disk has {free // MIB} MiB left. Make room.",
        )
    try:
        took_ms = _fsync_ms(data)
    except OSError as error:
        yield Finding(
            "disk-write",
            True,
            f"데이터 폴더에 쓸 수 없습니다({error.strerror}). 읽기 전용인지, 소유자가 맞는지 확인하세요.",
            f"The data directory cannot be written ({error.strerror}). Is it read-only, or another user's?",
        )
        return
    if took_ms > FSYNC_MS_SLOW:
        yield Finding(
            "disk-slow",
            False,
            f"디스크에 확실히 쓰는 데 {took_ms:.0f} ms가 걸립니다. 더 빠른 디스크를 쓰세요.",
            f"An fsync takes {took_ms:.0f} ms, and every message waits for one. Use a faster disk.",
        )


def _fsync_ms(folder: Path) -> float:
    """The best of three, so that one busy moment is no finding."""
    path = folder / f"doctor-{os.getpid()}"
    best = float("inf")
    try:
        for _ in range(3):
            began = time.perf_counter()
            with path.open("wb") as file:
                file.write(bytes(4_096))
                file.flush()
                os.fsync(file.fileno())
            best = min(best, time.perf_counter() - began)
    finally:
        path.unlink(missing_ok=True)
    return 1000 * best


def _files(config: Config) -> Iterator[Finding]:
    data = config.data
    secrets = [data / "node.key", data / "log.db", data / "view.db"]
    secrets += [folder / "key.pem" for folder in (config.tls, config.peer_tls) if folder is not None]
    for path in secrets:
        # In a directory that only its owner enters, the modes of files say nothing.
        closed = path.parent == data and data.is_dir() and not data.stat().st_mode & 0o077
        if path.exists() and path.stat().st_mode & 0o077 and not (closed and path.name != "node.key"):
            yield Finding(
                f"mode {path.name}",
                path.name in ("node.key", "key.pem"),
                f"다른 사용자가 {path}를 읽을 수 있습니다. chmod 600 {path}",
                f"Other users can read {path}. Run chmod 600 {path}",
            )
    if (data / SUSPECT).exists():
        yield Finding(
            "suspect",
            True,
            "log.db에 손상된 기록이 있습니다. 서버를 다시 시작하거나 bongsu repair를 실행하세요.",
            "A record of log.db is damaged. Start the node again, or run bongsu repair.",
        )
    yield from forked_findings(data)
    for path in sorted(data.glob("log.db.damaged-*")):
        if not path.name.endswith(("-wal", "-shm")):
            yield Finding(
                f"set aside {path.name}",
                False,
                f"손상된 저장소 {path}가 남아 있습니다. 디스크를 검사하고, 필요 없으면 지우세요.",
                f"A damaged log was kept as {path}. Test the disk; delete the file when it is not needed.",
            )


def _certificates(config: Config) -> Iterator[Finding]:
    now_ms = time.time_ns() // 1_000_000
    for name, folder in (("tls", config.tls), ("peer_tls", config.peer_tls)):
        if folder is not None:
            try:
                left = days_left(tls_end_ms(folder), now_ms)
            except (OSError, ValueError):
                left = 0
            if left < DAYS_WARNED:
                yield certificate_finding(name, left)
    try:
        config = with_root_key(config)
        if config.root_key is None or not (config.data / "node.key").exists():
            return
        certificate = own_certificate(config, NodeKey.load(config.data / "node.key").node)
    except FatalError as error:
        yield Finding("certificate node", True, "이 서버의 인증서를 쓸 수 없습니다.", str(error))
        return
    if certificate is not None and certificate.expires_ms is not None:
        left = days_left(certificate.expires_ms, now_ms)
        if left < DAYS_WARNED:
            yield certificate_finding("node", left)


def _links(config: Config) -> Iterator[Finding]:
    """Whether somebody listens where the settings say that others are."""
    targets = [("peer", url) for url in config.peers] + [("nats", url) for url in config.nats]
    for kind, url in targets:
        address = urlsplit(url)
        if address.scheme == "http" and not config.peer_plain:
            yield Finding(
                f"{kind} {url}",
                True,
                f"{url}은 http로 시작해서 부르지 않습니다. 설정 peers에 https로 적으세요.",
                f"{url} begins with http, and is not called. Say https in the setting peers.",
            )
            continue
        port = address.port or (443 if address.scheme == "https" else 80)
        try:
            socket.create_connection((address.hostname or "", port), CONNECT_S).close()
        except OSError as error:
            yield Finding(
                f"{kind} {url}",
                False,
                f"{url}에 연결되지 않습니다. 그곳의 전원, 네트워크, 방화벽을 확인하세요.",
                f"{url} is not reached ({error}). Look at its power, the network and the firewall.",
            )


def _backups(config: Config) -> Iterator[Finding]:
    made_ms = 0
    with suppress(OSError, ValueError, KeyError, TypeError):
        made_ms = int(json.loads((config.data / LAST).read_text(encoding="utf-8"))["made_ms"])
    days = (time.time_ns() // 1_000_000 - made_ms) / DAY_MS
    if days > BACKUP_DAYS_MAX:
        ago = ("없습니다", "There is no backup") if made_ms == 0 else _ago(int(days))
        yield Finding(
            "backup",
            False,
            f"최근 백업이 {ago[0]}. bongsu backup을 매일 실행하세요.",
            f"{ago[1]}. Run bongsu backup every day.",
        )


def _ago(days: int) -> tuple[str, str]:
    return f"{days}일 전입니다", f"The last backup is {days} days old"


def _settings(config: Config) -> Iterator[Finding]:
    loopback = config.host in ("127.0.0.1", "::1", "localhost")
    if not config.rate_limits and not loopback:
        yield Finding(
            "setting rate_limits",
            False,
            "rate_limits가 꺼져 있어 누구나 서버를 바쁘게 할 수 있습니다. 켜세요.",
            "rate_limits is off: anybody can keep the server busy. Turn it on.",
        )
    if config.tls is None and not loopback and not (config.public_url or "").startswith("https://"):
        yield Finding(
            "setting tls",
            True,
            "암호화 없이 다른 컴퓨터의 연결을 받습니다. tls나 https 프록시를 쓰세요.",
            "Other machines connect without encryption. Give tls, or put an https proxy in front.",
        )
    addresses = [urlsplit(url).hostname or "" for url in config.peers]
    addresses += [config.peer_listen.rpartition(":")[0].strip("[]")] if config.peer_listen else []
    if config.peer_plain and not all(map(is_loopback, addresses)):
        yield Finding(
            "setting peer_plain",
            True,
            "peer_plain이 켜져 있어, 같은 망의 누구나 서버 사이에 오가는 것을 읽습니다. 끄세요.",
            "peer_plain is on: anybody on the network reads what nodes say to each other. Turn it off.",
        )
    if config.private_listen is None:
        yield Finding(
            "setting private_listen",
            False,
            "private_listen이 없어 상태와 지표를 볼 수 없습니다. 예: 127.0.0.1:9009",
            "Without private_listen nobody sees health and metrics. For example 127.0.0.1:9009",
        )


def _running(url: str) -> list[Finding]:
    """What the running node says of itself, and whether its clock is this machine's."""
    import httpx

    try:
        began = time.time()
        answer = httpx.get(f"{url.rstrip('/')}/health", timeout=10, trust_env=False)
        said = answer.json()
        now_ms = int(said["now_ms"])
        found = [
            Finding(each["name"], each["serious"], each["ko"], each["en"], each["since_ms"])
            for each in said["problems"]
        ]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        korean = f"{url}의 서버가 대답하지 않습니다. 서버가 켜져 있는지 확인하세요."
        return [Finding("running", True, korean, f"No node answers at {url} ({error!r}). Does it run?")]
    if abs(now_ms / 1000 - began) > CLOCK_S_MAX:
        found.append(
            Finding(
                "clock",
                True,
                "서버와 이 컴퓨터의 시계가 1분 넘게 다릅니다. 두 시계를 맞추세요.",
                "The node's clock and this machine's differ by more than a minute. Set both.",
            )
        )
    return found
