"""Whole networks on one fabric: layer by layer, by closed-form templates; see docs/grid.md, "Mapping networks"."""
