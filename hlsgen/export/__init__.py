"""Compiled designs as folders that other tools take: see ``hlsgen.export.export``."""
