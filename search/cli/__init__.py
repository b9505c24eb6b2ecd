"""The command line `gridruns`: what a user types, and how errors and results look."""

from search.cli.commands import main

__all__ = ["main"]
