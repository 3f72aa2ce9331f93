"""User-interactive authentication: stages a client completes before a guarded act. Sessions live in memory:
at another node or after a restart a client starts anew. Spec: § User-Interactive Authentication API.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bongsu.errors import MatrixError, bad_json
from bongsu.node import Node
from bongsu.view import users
from bongsu.view.cache import Cache
from bongsu.view.tokens import registration_token_valid

Flows = Sequence[Sequence[str]]


@dataclass(slots=True)
class _Session:
    """What a client has completed. `act` binds the session to the request it was opened for."""

    act: str
    completed: list[str] = field(default_factory=list)
    registration_token: str | None = None
    user_id: str | None = None


class InteractiveAuth:
    """Checks the `auth` object of guarded requests."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._sessions: Cache[str, _Session] = Cache(10_000)

    async def require(self, body: dict[str, Any], flows: Flows, act: str, user_id: str | None) -> _Session:
        """Return once a flow is complete.

        Args:
            act: names the guarded act and who does it; a session of another act does not count.
            user_id: whose password `m.login.password` must be, None where there is no user yet.
        Raises:
            MatrixError: 401 with the flows, the session and what is completed, until then.
        """
        auth = body.get("auth")
        if auth is None:
            raise self._challenge(secrets.token_urlsafe(18), _Session(act), flows)
        if not isinstance(auth, dict):
            raise bad_json("`auth` must be an object.")
        name = auth.get("session")
        session = self._sessions.get(name) if isinstance(name, str) else None
        if session is None or session.act != act:
            if auth.get("type") is None or name is not None:
                raise self._challenge(secrets.token_urlsafe(18), _Session(act), flows)
            # A client may try a single stage at once, without asking for the flows first.
            name, session = secrets.token_urlsafe(18), _Session(act)
        assert isinstance(name, str)
        stage = auth.get("type")
        if stage is not None:
            if stage not in {known for flow in flows for known in flow}:
                raise self._challenge(
                    name, session, flows, "This stage is not part of any flow. Choose one of the flows."
                )
            error = await self._complete(stage, auth, session, user_id)
            if error is not None:
                raise self._challenge(name, session, flows, error)
            if stage not in session.completed:
                session.completed.append(stage)
        if not any(set(flow) <= set(session.completed) for flow in flows):
            raise self._challenge(name, session, flows)
        self._sessions.drop(name)
        return session

    def _challenge(self, name: str, session: _Session, flows: Flows, error: str | None = None) -> MatrixError:
        self._sessions.put(name, session)
        fields: dict[str, Any] = {
            "flows": [{"stages": list(flow)} for flow in flows],
            "params": {},
            "session": name,
            "completed": list(session.completed),
        }
        return Challenge(error, fields)

    async def _complete(
        self, stage: str, auth: dict[str, Any], session: _Session, user_id: str | None
    ) -> str | None:
        """Check one stage; a sentence if it fails."""
        if stage == "m.login.dummy":
            return None
        if stage == "m.login.registration_token":
            token = auth.get("token")
            if isinstance(token, str) and registration_token_valid(
                self._node.context, token, self._node.now_ms(), self._node.log.key.node
            ):
                session.registration_token = token
                return None
            return "This invitation code is not valid. Ask whoever gave it to you for another."
        assert stage == "m.login.password"
        password = auth.get("password")
        if not isinstance(password, str) or user_id is None:
            return "The password is missing."
        identifier = auth.get("identifier")
        named = identifier.get("user") if isinstance(identifier, dict) else auth.get("user")
        if isinstance(named, str) and named not in (user_id, user_id[1:].partition(":")[0]):
            return "The password must be your own."
        account = users.user(self._node.context, user_id)
        if account is None or not await self._node.passwords.verify(account.password, password):
            return "The password is wrong."
        session.user_id = user_id
        return None


class Challenge(MatrixError):
    """401 with the flows: not an error of the client's, but the protocol's next step."""

    def __init__(self, error: str | None, fields: dict[str, Any]) -> None:
        super().__init__(401, "M_FORBIDDEN", error or "Complete the stages of one of the flows.", **fields)
        self._failed = error is not None

    def body(self) -> dict[str, Any]:
        """The flows; errcode and error only when a stage failed."""
        return super().body() if self._failed else dict(self.fields)
