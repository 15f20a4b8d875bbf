"""Units of a fabric: PEs, memory tiles, loop control, load port."""
