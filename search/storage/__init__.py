"""The Optuna study in a database too: for optuna-dashboard, and for several machines on one study.

The run directories stay the truth (docs/decisions/0008-a-study-in-a-database.md). Nothing heavy is imported
here.
"""
