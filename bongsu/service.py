"""What a request handler is given: the node and what makes things on it."""

from bongsu.author import Author
from bongsu.interactive import InteractiveAuth
from bongsu.media.library import Library
from bongsu.node import Node


class Service:
    """Built once by `serve`; its parts are plain attributes, handed on by argument."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.author = Author(node)
        self.interactive = InteractiveAuth(node)
        self.media = Library(node)
        # Names being registered at this moment: the claim is a record, which is not applied yet.
        self.names_claimed: set[str] = set()
        # Log-in tokens made by /login/get_token: one use, minutes of life, never on disk.
        self.login_tokens: dict[str, tuple[str, float]] = {}
