"""Hubs: what of the service a hub keeps, how it gets it, and who they are. DESIGN 7."""
