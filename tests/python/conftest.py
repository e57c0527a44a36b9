"""What every test needs: the build folder's place, the package, and processes that start without the sanitizers'
settings of this one (tools/test.sh)."""

import os
import sys

os.environ.pop("LD_PRELOAD", None)
os.environ.pop("ASAN_OPTIONS", None)

# tarn.core, as it was built, where it is not installed (tools/test.sh).
if "TARN_BUILD_DIR" in os.environ and "TARN_WHEEL" not in os.environ:
    package = os.path.join(os.environ["TARN_BUILD_DIR"], "python")
    sys.path.insert(0, package)
    # of processes that tests start
    os.environ["PYTHONPATH"] = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
