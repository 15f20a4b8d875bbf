"""Kernels written in Python: the decorator, its annotations, and the way from a function's syntax to loop graphs.

::

    function --read--> Nest (loops and statements) --schedule--> Nest --lower--> LoopGraph --orders--> LoopGraph
"""
