"""Runs a folder of MLX's Python test files twice, on the real mlx and through `python -m tarn.mlx`, and prints what
differs, test by test.

    mlx_tests.py FOLDER [NAME ...]      NAME: files (test_ops) or tests (test_ops.TestOps.test_add); without, every
    test_*.py

The same unittest runner runs in both; each file in a process of its own. A test that takes the process down, or lasts
longer than PATIENCE seconds, is noted as such and the rest of its file goes on in a new process. What failed on Tarn is
told at length in --log FILE (absent: mlx_tests.log); real mlx's results are kept in FILE.mlx.json and asked for again
with --again."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

PATIENCE = 180
PASSED = ("passed", "expected failure")


# ---- in the process that runs tests


class Recorder(unittest.TestResult):
    """Writes a line when a test begins and one when it ends, so that whoever reads knows where a process died."""

    def __init__(self, file):
        super().__init__()
        self.file = file

    def write(self, **fields):
        self.file.write(json.dumps(fields) + "\n")
        self.file.flush()

    def startTest(self, test):
        super().startTest(test)
        self.state, self.text = "passed", ""
        self.write(began=test.id())

    def stopTest(self, test):
        self.write(test=test.id(), state=self.state, text=self.text)
        super().stopTest(test)

    def set(self, state, text):
        if self.state == "passed":
            self.state, self.text = state, text

    def addError(self, test, error):
        self.set("error", self._exc_info_to_string(error, test))

    def addFailure(self, test, error):
        self.set("failed", self._exc_info_to_string(error, test))

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.set("failed", f"{subtest}\n" + self._exc_info_to_string(error, test))

    def addSkip(self, test, reason):
        self.set("skipped", reason)

    def addExpectedFailure(self, test, error):
        self.set("expected failure", "")

    def addUnexpectedSuccess(self, test):
        self.set("failed", "unexpected success")


def each_test(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each_test(test)
        else:
            yield test


def run_file(folder, name, results, done):
    """Runs the tests of one file that are not in done, and appends their results."""
    sys.path.insert(0, folder)
    with open(results, "a") as file:
        recorder = Recorder(file)
        suite = unittest.TestSuite(
            test for test in each_test(unittest.defaultTestLoader.loadTestsFromName(name)) if test.id() not in done
        )
        suite.run(recorder)
    os._exit(0)  # a hang at exit is no test's failure


# ---- in the process that was started


def watch(process, results):
    """Waits for the process, and kills it when nothing new was written for PATIENCE seconds. Whether it was killed."""
    while True:
        try:
            process.wait(1)
            return False
        except subprocess.TimeoutExpired:
            if time.time() - os.path.getmtime(results) > PATIENCE:
                process.kill()
                process.wait()
                return True


def read(results):
    ended, began = {}, None
    for line in Path(results).read_text().splitlines():
        entry = json.loads(line)
        if "began" in entry:
            began = entry["began"]
        else:
            ended[entry["test"]] = {"state": entry["state"], "text": entry["text"]}
            began = None
    return ended, began


def results_of(start, folder, name):
    """The results of one file's tests under the interpreter command `start`."""
    with tempfile.TemporaryDirectory() as scratch:
        results, log = Path(scratch, "results"), Path(scratch, "log")
        results.touch()
        while True:
            ended, _ = read(results)
            done = Path(scratch, "done")
            done.write_text(json.dumps(sorted(ended)))
            os.utime(results)
            with open(log, "w") as output:
                command = [*start, __file__, folder, name, "--results", str(results), "--done", str(done)]
                process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
                killed = watch(process, results)
            ended, began = read(results)
            last = log.read_text(errors="replace")[-2000:]
            if began is not None:  # noted as ended, so that the next process passes over it
                state = "timed out" if killed else f"took the process down ({process.returncode})"
                with open(results, "a") as file:
                    file.write(json.dumps({"test": began, "state": state, "text": last}) + "\n")
            elif process.returncode:
                return {**ended, name: {"state": "not loaded", "text": last}}
            else:
                return ended


def both(folder, names, kept_file, again):
    kept = json.loads(kept_file.read_text()) if kept_file.exists() and not again else {}
    for name in names:
        if name not in kept:
            kept[name] = results_of([sys.executable], folder, name)
            kept_file.write_text(json.dumps(kept))
        yield name, kept[name], results_of([sys.executable, "-m", "tarn.mlx"], folder, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--again", action="store_true", help="run real mlx again")
    parser.add_argument("--log", default="mlx_tests.log")
    parser.add_argument("--results", help=argparse.SUPPRESS)
    parser.add_argument("--done", help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = os.path.abspath(options.folder)
    if options.results:
        run_file(folder, options.names[0], options.results, set(json.loads(Path(options.done).read_text())))
    names = options.names or sorted(path.stem for path in Path(folder).glob("test_*.py"))
    if not names:
        sys.exit(f"{folder}: no test_*.py")

    totals, differences = [0, 0], []
    with open(options.log, "w") as log:
        for name, real, tarn in both(folder, names, Path(options.log + ".mlx.json"), options.again):
            wanted = [test for test in real if real[test]["state"] in PASSED]
            missed = [test for test in wanted if tarn.get(test, {"state": "missing"})["state"] not in PASSED]
            totals[0] += len(wanted)
            totals[1] += len(wanted) - len(missed)
            print(f"{name:40} {len(wanted) - len(missed):5} of {len(wanted):5} that mlx passes", flush=True)
            for test in missed:
                result = tarn.get(test) or tarn.get(name) or {"state": "missing", "text": ""}
                lines = result["text"].strip().splitlines() or [""]
                print(f"    {result['state']:8} {test}: {lines[-1][:160]}", flush=True)
                log.write(f"==== {test}: {result['state']}\n{result['text']}\n")
    share = 100 * totals[1] / totals[0] if totals[0] else 0
    print(f"{totals[1]} of {totals[0]} tests that mlx passes pass on Tarn ({share:.1f} %); log: {options.log}")


if __name__ == "__main__":
    main()
