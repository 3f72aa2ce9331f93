"""Telling push gateways: the one thing the program sends to addresses that users write."""
