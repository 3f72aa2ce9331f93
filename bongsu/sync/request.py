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
    # What the section with a room's state is called: who asks by the name from before the specification
    # reads that name alone, sees no state under another, and takes an encrypted room for an open one.
    state_section: str
    timeout_s: float
    set_presence: str

    @property
    def use_state_after(self) -> bool:
        """Whether the state is that after the timeline, and not before it."""
        return self.state_section != "state"
