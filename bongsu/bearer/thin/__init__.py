"""Links over channels that carry tens of bytes a second: radio. docs/protocol/thin.md."""
