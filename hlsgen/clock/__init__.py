"""The clock of a circuit on a board: which frequencies a PLL can make of an oscillator's."""
