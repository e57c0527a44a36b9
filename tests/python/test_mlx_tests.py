"""tools/mlx_tests.py: it tells tests that pass, fail, skip, take the process down or are not loaded apart, and goes on
after each."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import mlx_tests

FILE = """
import os, unittest
class Some(unittest.TestCase):
    def test_a_passes(self): pass
    def test_b_fails(self): self.fail("no")
    def test_c_dies(self): os.abort()
    def test_d_fails_in_part(self):
        for i in range(3):
            with self.subTest(i=i): self.assertNotEqual(i, 1)
    @unittest.skip("why")
    def test_e_skips(self): pass
"""


def test_each_result_is_told(tmp_path):
    (tmp_path / "test_some.py").write_text(FILE)
    results = mlx_tests.results_of([sys.executable], str(tmp_path), "test_some")
    states = {test.split("_", 2)[2].split(".")[-1]: result["state"] for test, result in results.items()}
    assert states == {
        "a_passes": "passed", "b_fails": "failed", "c_dies": "took the process down (-6)", "d_fails_in_part": "failed",
        "e_skips": "skipped",
    }  # fmt: skip


def test_what_does_not_load_is_told(tmp_path):
    (tmp_path / "test_broken.py").write_text("import there_is_no_such_module\n")
    results = mlx_tests.results_of([sys.executable], str(tmp_path), "test_broken")
    assert [result["state"] for result in results.values()] in (["not loaded"], ["error"])


def test_a_hang_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(mlx_tests, "PATIENCE", 1)
    (tmp_path / "test_slow.py").write_text(
        "import time, unittest\nclass Slow(unittest.TestCase):\n    def test_it(self): time.sleep(60)\n"
    )
    results = mlx_tests.results_of([sys.executable], str(tmp_path), "test_slow")
    assert results["test_slow.Slow.test_it"]["state"] == "timed out"
