"""What a request handler is given: the node and what makes things on it."""

import asyncio
from weakref import WeakValueDictionary

from bongsu.author import Author
from bongsu.interactive import InteractiveAuth
from bongsu.node import Node
from bongsu.view.cache import Cache


class Service:
    """Built once by `serve`; its parts are plain attributes, handed on by argument."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.author = Author(node)
        self.interactive = InteractiveAuth(node)
        # Names being registered at this moment: the claim is a record, which is not applied yet.
        self.names_claimed: set[str] = set()
        # A change of push rules reads them, and writes them whole: one at a time for each user.
        self.push_rules_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        # One-time keys chosen for somebody whose claim is not applied yet:
        # (user, device, algorithm, key id, digest).
        self.keys_taken: set[tuple[str, str, str, str, str]] = set()
        # One-time keys being uploaded: digest by (user, device, "algorithm:key id").
        self.keys_uploading: dict[tuple[str, str, str], str] = {}
        # The last number given to a key backup of a user, whose record may not be applied yet.
        self.backup_numbers: Cache[str, int] = Cache(10_000)
        # Log-in tokens made by /login/get_token: one use, minutes of life, never on disk.
        self.login_tokens: dict[str, tuple[str, float]] = {}
