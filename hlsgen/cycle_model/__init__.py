"""The fabric, cycle by cycle, in NumPy."""
