"""The grid schedule: mapping loop graphs onto a fabric."""
