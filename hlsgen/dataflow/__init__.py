"""The dataflow: processes that communicate over channels."""
