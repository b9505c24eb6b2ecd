"""Trials on the machines of a Ray cluster.

Data's way: `executor` (the search's machine) -> `slot` (a Ray actor, which only passes bytes on) -> `host` (a
process on the node that holds a `local` executor) and, as frames, back: `outgoing` -> slot -> `incoming`.
Nothing but `connection`, `slot` and `workers` knows of Ray.
"""
