"""`python -m tlx.data preview` has moved."""

import sys

sys.exit("tlx.data: this command is `python -m tlx.preview` now; its options are the same.")
