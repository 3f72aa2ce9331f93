"""Files of bundles that people and phones carry between sites. DESIGN 7; docs/protocol/carry.md."""
