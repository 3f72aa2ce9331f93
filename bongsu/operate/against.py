"""Whether nodes hold the same: digests of every scope, asked of their private listeners and compared."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bongsu.errors import FatalError

PATH = "/_bongsu/node/v1/digests"
HTTP_S = 60.0
AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class Told:
    """What one node says: the records it shows, as a vector, and a digest of each scope."""

    who: str
    vector: str
    digests: dict[str, str]
    role: str = "core"


Ask = Callable[[], Told]


def ask(url: str) -> Told:
    """Ask a private listener.

    Raises:
        FatalError: it does not answer as one.
    """
    import httpx

    try:
        answer = httpx.get(url.rstrip("/") + PATH, timeout=HTTP_S, trust_env=False)
        answer.raise_for_status()
        said: dict[str, Any] = answer.json()
        return Told(
            str(said["site"]), str(said["vector"]), dict(said["digests"]), str(said.get("role", "core"))
        )
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise FatalError(
            f"{url} does not answer as a private listener does: {error!r}. Give the address in the setting"
            " private_listen of a running node."
        ) from error


def compare(asks: Sequence[Ask], bound_s: float) -> list[str]:
    """Ask until all say the same, at most `bound_s`; a sentence for each scope that differed every time.

    A node that serves meanwhile is always a little ahead of another, but not in the same scope for long.
    """
    deadline = time.monotonic() + bound_s
    remain: set[str] | None = None
    while True:
        told = [each() for each in asks]
        differing = _differing(told)
        remain = differing if remain is None else remain & differing
        if not remain or (not differing and len({each.vector for each in told}) == 1):
            return []
        if time.monotonic() >= deadline:
            return [_sentence(scope, told) for scope in sorted(remain)]
        time.sleep(AGAIN_S)


def _differing(told: Sequence[Told]) -> set[str]:
    scopes = {scope for each in told for scope in each.digests}
    for hub in told:
        if hub.role == "hub":
            # A hub has its residents' rooms, and of people outside only what is public.
            scopes = {scope for scope in scopes if scope.startswith("room ") and scope in hub.digests}
    return {scope for scope in scopes if len({each.digests.get(scope) for each in told}) > 1}


def _sentence(scope: str, told: Sequence[Told]) -> str:
    said = ", ".join(f"{each.who} {(each.digests.get(scope) or 'nothing')[:12]}" for each in told)
    return f"{scope} is not the same everywhere: {said}."
