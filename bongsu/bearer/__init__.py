"""What carries records between nodes: one pure exchange, many thin drivers. DESIGN 6, 7."""
