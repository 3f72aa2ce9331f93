"""Every numeric bound in one place, unit last. A bound that protects memory or CPU belongs here."""

EVENT_BYTES_MAX = 65_536  # canonical JSON of a PDU; Client-Server API § Size limits
ID_BYTES_MAX = 255  # type, state_key, sender, room_id, event_id, each in UTF-8 bytes
PREV_EVENTS_MAX = 20
AUTH_EVENTS_MAX = 10
JSON_DEPTH_MAX = 100
JSON_INTEGER_MAX = 2**53 - 1  # canonical JSON
THIRD_PARTY_INVITE_CHECKS_MAX = 64  # signatures times keys tried when such an invite is redeemed
