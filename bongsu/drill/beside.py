"""A drill that ends with whoever started it: by a pipe, which closes also when that process is killed."""

import os
import signal
import threading
from typing import BinaryIO


def end_with(pipe: BinaryIO) -> threading.Thread:
    """Interrupt this process once nobody holds the other end of the pipe; its laboratory then ends, too."""
    # Whoever started it may have it ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def wait() -> None:
        while pipe.read(1):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread
