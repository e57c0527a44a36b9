#!/usr/bin/env python3
"""Writes src/text/unicode/script.def: the scripts of the characters of Unicode 9, of perl's database (which must be
version 14).

    unicode_scripts.py > src/text/unicode/script.def
"""
import re
import subprocess

PROGRAM = """
use Unicode::UCD qw(prop_invmap);
die "not Unicode 14" unless Unicode::UCD::UnicodeVersion() eq "14.0.0";
for my $property ("Script", "Age") {
    my ($starts, $values) = prop_invmap($property);
    print "$property $starts->[$_] $values->[$_]\\n" for 0 .. $#$starts;
}
"""
CHANGED = {0x0589: "Common", 0x061C: "Common", 0x0953: "Devanagari", 0x0954: "Devanagari"}  # since version 9


def properties():
    """For every character its script and its age."""
    starts = {"Script": [], "Age": []}
    for line in subprocess.run(["perl", "-e", PROGRAM], check=True, capture_output=True, text=True).stdout.splitlines():
        name, start, value = line.split()
        starts[name].append((int(start), value))
    found = {}
    for name, rows in starts.items():
        ends = [start for start, _ in rows[1:]] + [0x110000]
        found[name] = [value for (start, value), end in zip(rows, ends) for _ in range(start, end)]
    return found["Script"], found["Age"]


def runs():
    """Where the script changes, over characters of Unicode 9."""
    scripts, ages = properties()
    last = None
    for c in range(0x110000):
        script = CHANGED.get(c, scripts[c])
        if script != last and script != "Unknown" and re.fullmatch(r"[1-9]\..*", ages[c]):
            yield c, script.upper()
            last = script


def main():
    rows = list(runs())
    print(
        "/* Scripts of Unicode 9: their names, then the first characters of runs; unassigned ones between do not count. Written by"
    )
    print("   tools/unicode_scripts.py. */")
    for name in sorted({name for _, name in rows}):
        print(f"SCRIPT_NAME({name})")
    for first, name in rows:
        print(f"SCRIPT_RUN(0x{first:04X}, {name})")


if __name__ == "__main__":
    main()
