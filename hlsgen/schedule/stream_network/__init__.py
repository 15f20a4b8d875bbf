"""Networks on the stream schedule: a PE array for every process."""
