"""Files that people send: bytes on disk under their hash, and small pictures of them."""
