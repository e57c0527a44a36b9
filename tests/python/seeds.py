"""The seed of what tests draw at random: the same in every run, so that what passed passes again; TARN_FRESH=1 takes it from the
clock, TARN_SEED=n repeats what a test told. As tests/rounds.h has it for the tests in C."""

import os
import time

SEED = int(os.environ.get("TARN_SEED") or (time.time_ns() % 10**9 if os.environ.get("TARN_FRESH") else 1))
if os.environ.get("TARN_FRESH"):
    os.environ["TARN_SEED"] = str(SEED)  # one for all processes
