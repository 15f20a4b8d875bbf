"""The loop graphs of kernels: the IR, its checker, text and meaning; readers of data-flow graphs and of Python."""
