"""Ask Synapse, which runs in an environment and a process of its own."""

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

_ROOT = Path(__file__).parents[2]
PYTHON = _ROOT / ".venv-synapse" / "bin" / "python"


class Oracle:
    """One Synapse process; a question is one line, so is the answer."""

    def __enter__(self) -> "Oracle":
        assert PYTHON.exists(), "the oracle's environment .venv-synapse is missing: run `make oracle`"
        script = str(Path(__file__).with_name("synapse_oracle.py"))
        self.process = subprocess.Popen(
            [str(PYTHON), script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.process.communicate()

    def ask(self, ask: str, **question: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"ask": ask, **question}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the oracle died; its last words are on standard error"
        return json.loads(line)
