"""Circuits of the scalar and word operators, multipliers and requantisers."""
