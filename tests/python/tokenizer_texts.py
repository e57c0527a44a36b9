"""Random texts that are hard on tokenizers."""
import random
import unicodedata

ASSIGNED = [c for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
MARKS = [chr(c) for c in ASSIGNED if unicodedata.category(chr(c)).startswith("M")]
SPACES = [
    " ", "  ", "\t", "\n", "\r\n", "\r", "\v", "\f", "\x85", "\xa0", "\u1680", "\u180e", "\u2003", "\u200b", "\u2028",
    "\u202f", "\u3000", "\ufeff"
]
WORDS = (
    "the quick brown fox hello world token don't I'll we've you're 'S 'T it's naïve café Straße Größe Москва привет Ελλάδα "
    "日本語 テスト カタカナ 한국어 中文字符 العربية עברית हिन्दी ไทย 12345 3.14159 1,000 x² ½ Ⅷ ١٢٣ ﬁne ſo K İstanbul ŉ ǅ é e\u0301 ﷺ 각 각"
).split()
CODE = "def f(x): return x+1\n|    if (a != b) {\n\t\tprintf(\"%d\\n\", a[i]);\n    }|#include <stdio.h>|https://a.b/c?d=e&f#g|<html lang=\"en\">|$x = @{y}->z;|a_b-c::d//e|[[x]] <<= ~!|'''q'''|▁▁x ▁".split(
    "|")
EMOJI = "👍 👨‍👩‍👧‍👦 🏳️‍🌈 👩🏽‍💻 🇩🇪🇫🇷 ☃️ 1️⃣ 🦙".split()


class Texts:
    def __init__(self, seed, specials):
        self.random = random.Random(seed)
        self.specials = list(specials) or ["<s>"]

    def any_plane(self):
        return "".join(chr(self.random.choice(ASSIGNED)) for _ in range(self.random.randrange(1, 16)))

    def any_code_point(self):
        points = (self.random.randrange(0x110000) for _ in range(self.random.randrange(1, 10)))
        return "".join(chr(p) for p in points if not 0xD800 <= p < 0xE000)

    def low_plane(self):
        return "".join(chr(self.random.randrange(0x3100)) for _ in range(self.random.randrange(1, 16)))

    def ascii(self):
        return "".join(chr(self.random.randrange(128)) for _ in range(self.random.randrange(1, 40)))

    def words(self):
        r = self.random
        return "".join(
            r.choice(WORDS) + r.choice([" ", " ", " ", "", ", ", ".\n", "  "]) for _ in range(r.randrange(1, 10)))

    def spaces(self):
        r = self.random
        return "".join(
            r.choice(SPACES) * r.choice([1, 1, 2, 5]) if r.random() < 0.6 else r.choice("aZ9.é中")
            for _ in range(r.randrange(1, 16)))

    def code(self):
        return "".join(self.random.choice(CODE) for _ in range(self.random.randrange(1, 4)))

    def marks(self):
        r = self.random
        return "".join(
            r.choice("aeo가คאE1 ") + "".join(r.choice(MARKS) for _ in range(r.randrange(4)))
            for _ in range(r.randrange(1, 8)))

    def emoji(self):
        return "".join(self.random.choice(EMOJI + [" ", "a"]) for _ in range(self.random.randrange(1, 6)))

    def run(self):
        r = self.random
        return r.choice(["a", "ab", " ", "\n", "=", "-", "1", "é", "中", "▁", "\u0301", "😀"]) * r.choice(
            [1, 2, 3, 7, 31, 100, 400])

    def mixed_case(self):
        r = self.random
        return "".join(r.choice("aBcDéÉßǅʰ'ſKİ 1.!/\n") for _ in range(r.randrange(1, 24)))

    def with_specials(self):
        r = self.random
        parts = [
            self.words, self.spaces, self.mixed_case, self.marks, lambda: "", lambda: r.choice([" ", "x", "_", "\n"])
        ]
        return "".join(r.choice(parts)() + r.choice(self.specials)
                       for _ in range(r.randrange(1, 5))) + r.choice(parts)()

    def text(self):
        kinds = [
            self.any_plane, self.any_code_point, self.low_plane, self.ascii, self.words, self.words, self.spaces,
            self.code, self.marks, self.emoji
        ]
        kinds += [self.mixed_case, self.with_specials, self.with_specials]
        text = self.random.choice(kinds)()
        while self.random.random() < 0.25:
            text += self.random.choice(kinds)()
        return self.run() if self.random.random() < 0.01 else text

    def many(self, count):
        return ["", " ", "\n", "\0"] + [self.text() for _ in range(count - 4)]
