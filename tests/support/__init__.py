"""Examples, random generators and benches that tests of several folders use."""
