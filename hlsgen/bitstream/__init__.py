"""Synthesis, place and route, packing: from a compiled folder to a bitstream."""
