#!/usr/bin/env python3
"""Writes src/text/unicode/newer.def: the characters that came after Unicode 8.

    unicode_newer.py UNICODEDATA2_16 UNICODEDATA2_17 > src/text/unicode/newer.def

The arguments are folders with the PyPI package unicodedata2 in that version (pip install --target FOLDER
unicodedata2==16.0.0). Unicode 8 and 9 are asked of perl, 14 and older must be what this Python's own unicodedata and
perl both have.
"""
import importlib
import subprocess
import sys
import unicodedata

POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def load(folder):
    sys.modules.pop("unicodedata2", None)
    sys.path.insert(0, folder)
    module = importlib.import_module("unicodedata2")
    sys.path.pop(0)
    return module


def assigned_by_perl(version):
    program = f'for (0..0x10ffff) {{ next if $_ >= 0xd800 && $_ < 0xe000; print "$_\\n" if chr($_) =~ /\\p{{Present_In: {version}}}/ && chr($_) !~ /\\p{{Cn}}/ }}'
    return set(
        map(int,
            subprocess.run(["perl", "-e", program], check=True, capture_output=True, text=True).stdout.split()))


def assigned(module):
    return {c for c in POINTS if module.category(chr(c)) != "Cn"}


def rows(ages, category):
    """Ranges of characters with the same age and category."""
    found = []
    for c in sorted(ages):
        kind = (category(chr(c)), ages[c])
        if found and found[-1][1] == c - 1 and found[-1][2:] == kind:
            found[-1] = (found[-1][0], c, *kind)
        else:
            found.append((c, c, *kind))
    return found


def stand_in(first, kind, known):
    """The nearest character of Unicode 14 with the same category and as many bytes in UTF-8."""
    size = len(chr(first).encode())
    return min((c for c in known[kind] if len(chr(c).encode()) == size), key=lambda c: abs(c - first))


def main():
    u16, u17 = load(sys.argv[1]), load(sys.argv[2])
    assert (unicodedata.unidata_version, u16.unidata_version, u17.unidata_version) == ("14.0.0", "16.0.0", "17.0.0")
    versions = [(8, assigned_by_perl("8.0")), (9, assigned_by_perl("9.0")), (14, assigned(unicodedata)),
                (16, assigned(u16)), (17, assigned(u17))]
    ages = {}
    for (_, before), (version, now) in zip(versions, versions[1:]):
        ages.update({c: version for c in now - before})
    known = {}
    for c in versions[2][1]:
        known.setdefault(unicodedata.category(chr(c)), []).append(c)
    print(
        "/* Characters that came after Unicode 8: first, last, category, the version they are in (9, 14, 16, 17: those between are counted up), and"
    )
    print(
        "   for those after 14 a character of the same category that an older library knows. Written by tools/unicode_newer.py. */"
    )
    for first, last, kind, age in rows(ages, u17.category):
        other = stand_in(first, kind, known) if age == 16 else 0
        print(f"NEWER(0x{first:04X}, 0x{last:04X}, {kind.upper()}, {age}, 0x{other:04X})")


if __name__ == "__main__":
    main()
