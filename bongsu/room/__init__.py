"""The Matrix room: events, authorization, state resolution. Pure: no I/O, no clock, no randomness."""
