"""What devices have confirmed of their messages. Recorded now and then: until then `since` covers them."""

from collections.abc import Callable
from dataclasses import dataclass

from bongsu import drafts, limits
from bongsu.canonical import unpadded_urlsafe_base64
from bongsu.log.record import Draft
from bongsu.log.vector import Vector
from bongsu.view import keys
from bongsu.view.cache import Cache
from bongsu.view.context import Context
from bongsu.view.to_device import queued_until

DeviceName = tuple[str, str]


@dataclass(slots=True)
class _Device:
    """Messages given out since the last record, and what was confirmed last."""

    messages: int
    since: float
    vector: Vector | None = None


class Delivered:
    """Forgetting a device here costs only that its delivered messages are kept longer."""

    def __init__(self, context: Context, monotonic: Callable[[], float], now_ms: Callable[[], int]) -> None:
        self._context = context
        self._monotonic = monotonic
        self._now_ms = now_ms
        self._devices: Cache[DeviceName, _Device] = Cache(20_000)

    def gave(self, device: DeviceName, messages: int) -> None:
        """An answer holds messages for a device."""
        self._device(device, 0).messages += messages

    def confirmed(self, device: DeviceName, position: int, vector: Vector) -> Draft | None:
        """A device has everything of its `since` token; the record of that, when it is due."""
        known = self._device(device, position)
        if known.messages == 0:
            known.since = self._monotonic()
            return None
        known.vector = vector
        waited_s = self._monotonic() - known.since
        if known.messages < limits.TO_DEVICE_COVERED_MESSAGES and waited_s < limits.TO_DEVICE_COVERED_S:
            return None
        return self._draft(device, known)

    def rest(self) -> list[Draft]:
        """What is confirmed and not recorded yet, for a clean stop."""
        names = self._devices.keys_of(lambda _: True)
        found = [(name, self._devices.get(name)) for name in names]
        return [
            self._draft(name, known)
            for name, known in found
            if known is not None and known.messages > 0 and known.vector is not None
        ]

    def _device(self, device: DeviceName, position: int) -> _Device:
        known = self._devices.get(device)
        if known is None:
            # After a start: what an earlier process delivered and did not record.
            known = _Device(queued_until(self._context, *device, position), self._monotonic())
            self._devices.put(device, known)
        return known

    def _draft(self, device: DeviceName, known: _Device) -> Draft:
        assert known.vector is not None
        vector = unpadded_urlsafe_base64(known.vector.encode())
        known.messages, known.since, known.vector = 0, self._monotonic(), None
        stamp = keys.key_stamp(self._context, self._now_ms(), *device)
        return drafts.to_device_covered(*device, vector, stamp)
