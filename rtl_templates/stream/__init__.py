"""Units of stream networks: buffers, loop nests, PE arrays, finishing."""
