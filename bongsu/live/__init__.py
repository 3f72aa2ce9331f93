"""What is never recorded: who waits, who types, who is there. Forgotten at a restart, and nothing is lost."""
