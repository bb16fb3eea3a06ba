"""The command line: the app's verbs for scripts, headless machines and checks; one file per verb.

Exit codes: 0 done, 2 user error with one line on standard error, 130 interrupted, 1 a bug. Results go to standard
output, progress to standard error.
"""

from steering.cli.entry import main

__all__ = ["main"]
