"""The graph IR, its checker, text form and meaning."""
