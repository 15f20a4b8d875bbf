"""Float graphs to integer graphs of fixed-point numbers, without quantising the model first."""
