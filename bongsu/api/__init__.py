"""The HTTP edge: one file per module of the Client-Server API, with the same names as the spec's."""
