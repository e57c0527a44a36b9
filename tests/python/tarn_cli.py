"""Running the command line from tests; TARN_BUILD_DIR names another build folder than build."""
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARN = pathlib.Path(os.environ.get("TARN_BUILD_DIR", ROOT / "build")) / "tarn"
TINY = ROOT / "models" / "tiny"
GOLDEN = ROOT / "tests" / "data" / "golden"


def tarn(*arguments, stdin=None, timeout=600):
    """The finished process; text is decoded as UTF-8."""
    if isinstance(stdin, str):
        stdin = stdin.encode()
    done = subprocess.run([str(TARN), *map(str, arguments)], input=stdin if stdin is not None else b"",
                          capture_output=True, timeout=timeout)
    done.out, done.err = done.stdout.decode(), done.stderr.decode()
    return done


def tarn_json(*arguments, stdin=None):
    done = tarn(*arguments, stdin=stdin)
    assert done.returncode == 0, done.err
    return json.loads(done.out)


def fails(*arguments, words=(), status=1, stdin=None):
    """One message on stderr with these words, nothing on stdout."""
    done = tarn(*arguments, stdin=stdin)
    assert done.returncode == status, (done.returncode, done.out, done.err)
    assert done.out == ""
    lines = done.err.strip().splitlines()
    assert len(lines) == 1, lines
    for word in words:
        assert word in lines[0], (word, lines[0])
    return lines[0]
