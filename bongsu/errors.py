"""The errors a client can see, and the few that stop a node."""

from typing import Any


class MatrixError(Exception):
    """An answer other than success. `status` is the HTTP status, `errcode` and `error` go into the body.

    `error` is a sentence for a person: what happened, and what to do.
    """

    def __init__(
        self,
        status: int,
        errcode: str,
        error: str,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        **fields: Any,
    ) -> None:
        super().__init__(f"{status} {errcode}: {error}")
        self.status = status
        self.errcode = errcode
        self.error = error
        self.headers = headers
        self.fields = fields

    def body(self) -> dict[str, Any]:
        """The JSON object of the answer. Spec: Client-Server API § Standard error response."""
        return {"errcode": self.errcode, "error": self.error, **self.fields}


def not_json(error: str) -> MatrixError:
    """The body is not JSON at all."""
    return MatrixError(400, "M_NOT_JSON", error)


def bad_json(error: str) -> MatrixError:
    """The body is JSON, but not of the shape the endpoint takes."""
    return MatrixError(400, "M_BAD_JSON", error)


def missing_param(error: str) -> MatrixError:
    """A required parameter is absent."""
    return MatrixError(400, "M_MISSING_PARAM", error)


def invalid_param(error: str) -> MatrixError:
    """A parameter is there but its value cannot be used."""
    return MatrixError(400, "M_INVALID_PARAM", error)


def forbidden(error: str) -> MatrixError:
    """The requester may not do this. The same answer for absent and for forbidden things."""
    return MatrixError(403, "M_FORBIDDEN", error)


def not_found(error: str) -> MatrixError:
    """There is no such thing, and saying so gives nothing away."""
    return MatrixError(404, "M_NOT_FOUND", error)


def too_large(error: str) -> MatrixError:
    """The request or event exceeds a bound in `limits`."""
    return MatrixError(413, "M_TOO_LARGE", error)


class FatalError(Exception):
    """The store can no longer keep its promises (fsync failed, chain broken): the node must stop."""


class InUse(FatalError):
    """Another process, most likely the running server, has the data."""


class StoreDamaged(FatalError):
    """log.db is not what was written. What is whole of it can be kept, and peers have the rest."""
