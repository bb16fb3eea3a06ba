"""``python -m steering``: the verbs of the app without a browser."""

import sys

from steering.cli import main

sys.exit(main())
