"""Running a program of the operator's: what it is given, what it says, and for how long."""

import asyncio
from pathlib import Path


class HookFailed(Exception):
    """The program took too long, or ended with another status than 0; says which."""


async def run_hook(program: Path, arguments: tuple[str, ...], given: bytes, bound_s: float) -> bytes:
    """What the program writes, given these bytes on its standard input. It ends with this call in any case.

    Raises:
        HookFailed: it failed, or took too long.
        OSError: it cannot be run.
    """
    process = await asyncio.create_subprocess_exec(
        str(program),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(bound_s):
            said, complained = await process.communicate(given)
    except TimeoutError:
        raise HookFailed(f"{program} did not end within {bound_s} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        words = complained.decode(errors="replace").strip()[-500:]
        raise HookFailed(f"{program} ended with status {process.returncode}: {words}")
    return said
