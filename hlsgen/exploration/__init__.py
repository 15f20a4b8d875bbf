"""The trade-offs of a network: many designs sketched, the best of them planned, one of them written."""
