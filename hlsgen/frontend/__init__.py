"""Reading models, quantising float models, and running the reference."""
