"""Bongsu: a Matrix messenger service made of many sites and hubs. Start reading at ARCHITECTURE.md."""

__version__ = "0.1.0"
