"""Simulation of a compiled design against its references."""
