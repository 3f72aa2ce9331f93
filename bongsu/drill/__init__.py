"""Drills: hurt a laboratory under load, know every promise that was made, and report what clients saw."""
