"""What connects a design to the world: AXI4-Stream and the serial line."""
