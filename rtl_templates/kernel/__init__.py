"""Units of kernels as fixed pipelines."""
