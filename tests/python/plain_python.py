"""The interpreter in which real mlx runs by itself: sanitizers (conftest.py) are for Tarn."""

import os
import sys

PLAIN = os.environ.get("TARN_PYTHON", sys.executable)
