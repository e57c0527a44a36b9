"""The long run: prints the table and what differs; the exit status is 1 if anything does."""

import argparse
import sys
import time

from . import families, frame


def main():
    parser = argparse.ArgumentParser(prog="differential", description=__doc__)
    parser.add_argument("--calls", type=int, default=30000, help="at least so many calls in all")
    parser.add_argument("--seed", type=int, default=0, help="draws other calls")
    parser.add_argument("--function", action="append", help="only this one; may be given several times")
    options = parser.parse_args()
    families.load()
    chosen = [f for f in frame.FUNCTIONS if not options.function or f.name in options.function]
    cells = sum(len(f.dtypes) * len(f.layouts) for f in chosen)
    start = time.time()
    report = frame.run(-(-options.calls // max(cells, 1)), options.function, seed=options.seed)
    print(report.table())
    refused = sum(report.refused.values())
    print(f"{len(chosen)} functions, {report.total()} calls, {refused} refused by mlx, {time.time() - start:.0f} s")
    holes = [] if options.function else report.holes()
    for name, count in report.failed.items():
        print(f"{name}: {count} calls differ") if count else None
    for line in report.failures + [f"never called: {hole}" for hole in holes]:
        print(line)
    sys.exit(bool(report.failures or holes))


main()
