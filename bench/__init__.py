"""Measuring the service, and any other homeserver beside it, with the same work in the same run."""
