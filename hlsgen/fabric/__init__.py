"""Fabrics: their description, and the configurations and programs that run on them."""
