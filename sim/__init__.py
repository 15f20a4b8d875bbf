"""Simulation and proof of units and of whole designs."""
