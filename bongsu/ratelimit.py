"""Token buckets per user and per address: a flood is answered 429, everybody else goes on."""

from collections.abc import Callable
from dataclasses import dataclass

from bongsu.errors import MatrixError
from bongsu.view.cache import Cache


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` requests at once, then `per_second`."""

    name: str
    burst: int
    per_second: float


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: float


SEND = Rate("send", 100, 20.0)
WRITE = Rate("write", 100, 20.0)
READ = Rate("read", 400, 100.0)
JOIN = Rate("join", 30, 2.0)
INVITE = Rate("invite", 60, 2.0)
CREATE_ROOM = Rate("create_room", 20, 0.5)
LOGIN_ADDRESS = Rate("login_address", 60, 2.0)
LOGIN_USER = Rate("login_user", 10, 0.2)
REGISTER = Rate("register", 30, 0.5)
UPLOAD = Rate("upload", 40, 4.0)
RECEIPT = Rate("receipt", 200, 20.0)
TYPING = Rate("typing", 60, 5.0)
PRESENCE = Rate("presence", 20, 1.0)
SEARCH = Rate("search", 30, 3.0)
REPORT = Rate("report", 10, 0.1)
SECOND_FACTOR = Rate("second_factor", 5, 0.05)
AUTHORITY = Rate("authority", 30, 0.5)
COURIER = Rate("courier", 60, 1.0)
COURIER_EXPORT = Rate("courier_export", 20, 0.2)
DEFERRED = Rate("deferred", 60, 0.05)


class RateLimiter:
    """Buckets in memory; the least used is forgotten, which only ever favours the requester."""

    def __init__(self, monotonic: Callable[[], float], *, enabled: bool, factor: int = 1) -> None:
        """`factor` multiplies every rate and burst."""
        self._monotonic = monotonic
        self._enabled = enabled
        self._factor = factor
        self._buckets: Cache[tuple[str, str], _Bucket] = Cache(50_000)

    def check(self, rate: Rate, who: str) -> None:
        """Take one token of `who`'s bucket.

        Raises:
            MatrixError: 429 M_LIMIT_EXCEEDED with Retry-After.
        """
        if not self._enabled:
            return
        burst, per_second = rate.burst * self._factor, rate.per_second * self._factor
        now = self._monotonic()
        key = (rate.name, who)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = _Bucket(burst, now)
            self._buckets.put(key, bucket)
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.filled) * per_second)
        bucket.filled = now
        if bucket.tokens < 1:
            wait_ms = int((1 - bucket.tokens) / per_second * 1000) + 1
            raise MatrixError(
                429,
                "M_LIMIT_EXCEEDED",
                f"Too many requests. Try again in {wait_ms / 1000:.1f} seconds.",
                headers=(("retry-after", str(-(-wait_ms // 1000))),),
                retry_after_ms=wait_ms,
            )
        bucket.tokens -= 1
