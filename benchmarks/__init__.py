"""What hlsgen must show: every figure of ``benchmarks/README.md`` is computed by a command of this package."""
