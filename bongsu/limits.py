"""Every numeric bound in one place, unit last. A bound that protects memory or CPU belongs here."""

BUILD_DATE_MS = 1_780_000_000_000  # 2026-05-28: a clock before this date has lost its time
LOG_BATCH_RECORDS_MAX = 4_096  # records that share one fsync
LOG_CHECKPOINT_PAGES = 4_096  # pages of log.db's write-ahead file before it is folded in
LOG_DRAIN_S = 5  # how long closing the log waits for what is queued
RECORD_BODY_BYTES_MAX = 1_048_576
FOREIGN_RECORDS_MAX = 10_000  # records of another node's log taken at once
EPOCH_ENDS_MAX = 1_024  # ends of earlier logs that one opening record names
VECTOR_BYTES_MAX = 65_536
VECTOR_ENTRIES_MAX = 16_384  # listed logs of all nodes together
ORDINAL_MAX = 2**32 - 1
SEQ_MAX = 2**53 - 1
EVENT_BYTES_MAX = 65_536  # canonical JSON of a PDU; Client-Server API § Size limits
ID_BYTES_MAX = 255  # type, state_key, sender, room_id, event_id, each in UTF-8 bytes
PREV_EVENTS_MAX = 20
AUTH_EVENTS_MAX = 10
JSON_DEPTH_MAX = 100
JSON_INTEGER_MAX = 2**53 - 1  # canonical JSON
