"""Finding the handler of a method and path. Pure. Paths come decoded: docs/decisions/decoded-paths.md."""

from dataclasses import dataclass, field

from bongsu.api.http import Route
from bongsu.errors import MatrixError, invalid_param

# Last parameters of a path that may hold slashes: once it is decoded, nothing else tells.
_MAY_HOLD_SLASHES = frozenset(
    ("sessionId", "stateKey", "fileName", "tag", "type", "txnId", "roomAlias", "roomIdOrAlias", "userId")
)


@dataclass(slots=True)
class _Place:
    """A node of the tree of path segments."""

    literal: dict[str, "_Place"] = field(default_factory=dict)
    parameter: "_Place | None" = None
    takes_rest: bool = False
    routes: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)


class Router:
    """A tree of path segments. A literal segment beats a parameter."""

    def __init__(self, routes: list[Route]) -> None:
        self._root = _Place()
        # Paths without parameters are found at once.
        self._fixed: dict[str, _Place] = {}
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        place = self._root
        names = []
        for segment in route.path.split("/")[1:]:
            if segment.startswith("{"):
                names.append(segment[1:-1])
                place.parameter = place.parameter or _Place()
                place = place.parameter
            else:
                place = place.literal.setdefault(segment, _Place())
        assert route.method not in place.routes, f"two routes for {route.method} {route.path}"
        place.routes[route.method] = (route, tuple(names))
        if not names:
            self._fixed[route.path] = place
        place.takes_rest = route.path.endswith("}") and names[-1] in _MAY_HOLD_SLASHES

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and its parameters. `path` is percent-decoded already.

        Raises:
            MatrixError: 404 M_UNRECOGNIZED for an unknown path, 405 for a known one of another method,
                400 M_INVALID_PARAM for segments that are not UTF-8.
        """
        fixed = self._fixed.get(path)
        found = (fixed, []) if fixed is not None else _search(self._root, path.split("/")[1:], 0, [])
        if found is None:
            raise MatrixError(404, "M_UNRECOGNIZED", "This server has nothing at this address.")
        place, values = found
        if method not in place.routes:
            allowed = ", ".join(sorted(place.routes))
            raise MatrixError(
                405,
                "M_UNRECOGNIZED",
                f"This address takes {allowed}, not {method}.",
                headers=(("allow", allowed),),
            )
        route, names = place.routes[method]
        if "\ufffd" in path:
            raise invalid_param("The address is not UTF-8.")
        return route, dict(zip(names, values, strict=True))


def _search(
    place: _Place, segments: list[str], index: int, values: list[str]
) -> tuple[_Place, list[str]] | None:
    if index == len(segments):
        return (place, values) if place.routes else None
    segment = segments[index]
    literal = place.literal.get(segment)
    if literal is not None:
        found = _search(literal, segments, index + 1, values)
        if found is not None:
            return found
    if place.parameter is not None:
        found = _search(place.parameter, segments, index + 1, [*values, segment])
        if found is None and place.parameter.takes_rest:
            return place.parameter, [*values, "/".join(segments[index:])]
        return found
    return None
