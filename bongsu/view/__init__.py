"""What is shown: tables derived from the logs; may be deleted and rebuilt at any time."""
