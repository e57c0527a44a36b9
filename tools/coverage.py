"""coverage.py BUILD [FILE...]: how many lines of src, without lm, the runs of a build with TARN_COVERAGE came to, by
folder; of files named, the lines they did not come to. A line counts once, however often templates compile it. Exit 1
below 90 %."""
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LEAST = 0.9


def counts(build):
    """{file below the root: {line: whether it ran}}."""
    lines = {}
    notes = sorted(pathlib.Path(build).resolve().rglob("*.gcno"))
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(notes), 50):
            subprocess.run(["gcov", "--json-format", *notes[start:start + 50]], cwd=folder, check=True,
                           capture_output=True)
            for report in pathlib.Path(folder).glob("*.gcov.json.gz"):
                add(lines, json.loads(gzip.decompress(report.read_bytes())))
                report.unlink()
    return lines


def add(lines, report):
    for file in report["files"]:
        path = (pathlib.Path(report["current_working_directory"]) / file["file"]).resolve()
        if not path.is_relative_to(ROOT / "src") or path.is_relative_to(ROOT / "src/lm"):
            continue
        own = lines.setdefault(str(path.relative_to(ROOT)), {})
        for line in file["lines"]:
            own[line["line_number"]] = own.get(line["line_number"], False) or line["count"] > 0


def show_missing(lines, names):
    for name in names:
        source = (ROOT / name).read_text().splitlines()
        for number, ran in sorted(lines[name].items()):
            if not ran:
                print(f"{name}:{number}: {source[number - 1]}")


def show_folders(lines):
    folders = {}
    for name, own in lines.items():
        for key in (str(pathlib.Path(name).parent), "src without lm"):
            ran, count = folders.get(key, (0, 0))
            folders[key] = ran + sum(own.values()), count + len(own)
    for key, (ran, count) in sorted(folders.items()):
        print(f"{key:40} {ran:7} of {count:7} lines  {ran / count:6.1%}")
    ran, count = folders["src without lm"]
    return ran / count


def main():
    lines = counts(sys.argv[1])
    if sys.argv[2:]:
        show_missing(lines, sys.argv[2:])
    elif show_folders(lines) < LEAST:
        sys.exit(f"less than {LEAST:.0%}")


main()
