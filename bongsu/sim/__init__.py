"""The whole service on one thread from one seed: real nodes; time, links, disks and chance are simulated."""
