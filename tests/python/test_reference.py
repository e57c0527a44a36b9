"""The reference made from the headers (tools/reference.py) shows every public function as it is called, with words
beside it."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("TARN_BUILD_DIR", ROOT / "build"))
sys.path.insert(0, str(ROOT / "tools"))
import reference

HEADERS = [*sorted((ROOT / "include/tarn").glob("*.h")), BUILD / "include/tarn/elementwise.h"]


def test_pages(tmp_path):
    reference.main(tmp_path, HEADERS)
    index = (tmp_path / "README.md").read_text()
    for header in HEADERS:
        page = (tmp_path / f"{header.stem}.md").read_text()
        for name in reference.functions(header.read_text()):
            assert re.search(rf"\b{name}\(", page) and f"`{name}`" in index, f"{header.name}: {name}"
        if header.stem != "options":
            assert not re.search(r"(?m)^TARN_API |\bTARN_CALL\b|\bbegin_\b|_with\(", page), header.name


def test_it_sees_every_exported_function():
    exported = set()
    for header in HEADERS:
        exported |= set(
            re.findall(r"\b(tarn_\w+)\(", " ".join(re.findall(r"^TARN_API [^;]*;", header.read_text(), re.M))))
    told = set().union(*(reference.functions(header.read_text()) for header in HEADERS))
    assert {re.sub(r"_with$", "", name) for name in exported} - told <= {"tarn_callback"}
