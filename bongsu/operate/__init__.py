"""What operators need of a node: metrics, health, copies, repair, and proof that sites hold the same."""
