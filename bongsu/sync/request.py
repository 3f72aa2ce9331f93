"""What one call of /sync asks for."""

import msgspec

from bongsu.sync.filter import Filter


class SyncRequest(msgspec.Struct, frozen=True):
    """The parameters of GET /sync. Spec: Client-Server API § Syncing."""

    user_id: str
    device_id: str
    session: str
    filter: Filter
    full_state: bool
    use_state_after: bool
    timeout_s: float
    set_presence: str
