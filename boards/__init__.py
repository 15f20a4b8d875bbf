"""One data file per board: its device, resources and clock, and how a design is put on it."""
