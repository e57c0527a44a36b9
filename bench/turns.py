"""What programs beside this file share that time several calls in turn."""

import sys
import time

clock = time.process_time if "--cpu" in sys.argv else time.perf_counter


def best(runs, *calls):
    """Seconds of each call: the least of so many rounds in which they take turns, but the first."""
    times = [[] for _ in calls]
    for _ in range(runs):
        for call, own in zip(calls, times):
            begin = clock()
            call()
            own.append(clock() - begin)
    return [min(own[1:]) for own in times]
