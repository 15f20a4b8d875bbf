"""Units of a fabric: processing elements, memory tiles, loop control, load port."""
