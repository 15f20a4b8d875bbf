"""From an integer graph to a dataflow: the level above operators and processes, which know nothing of each other."""
