"""What every test needs: the build folder's place, and processes that start without the sanitizers' settings of this one (tools/test.sh)."""

import os

os.environ.pop("LD_PRELOAD", None)
os.environ.pop("ASAN_OPTIONS", None)
