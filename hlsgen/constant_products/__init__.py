"""From constant integer matrices to adder graphs: signed digits, subexpressions that outputs share, sums of what is left."""
