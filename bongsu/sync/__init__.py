"""What a client has not seen yet: tokens, waiting, and the answers of /sync."""
