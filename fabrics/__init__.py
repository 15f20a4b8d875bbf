"""Fabrics as data: one TOML file per preset, read by ``hlsgen.fabric.file``."""
