"""What is true: append-only, hash-chained logs of records; one owner each."""
