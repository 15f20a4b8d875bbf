"""The algebra that the compiler and the circuit templates share: types, operators, expressions and affine forms.

The lowest package: it knows nothing else of hlsgen but its errors, and it is all of hlsgen that ``rtl_templates`` may import.
"""
