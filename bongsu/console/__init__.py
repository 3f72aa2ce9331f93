"""What the tower needs of a running node: the status it publishes, and the picture of all of them."""
