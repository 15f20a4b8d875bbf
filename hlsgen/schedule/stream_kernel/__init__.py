"""Kernels on the stream schedule: a fixed pipeline, a unit for every operation."""
