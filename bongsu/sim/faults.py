"""Every fault by its name."""

from bongsu.sim import faults_machines, faults_sites, faults_wires
from bongsu.sim.fault import FAULTS, Fault

__all__ = ["FAULTS", "Fault", "faults_machines", "faults_sites", "faults_wires"]
