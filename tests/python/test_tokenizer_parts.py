"""Each part of a tokenizer.json by itself against Hugging Face's `tokenizers`: normalizers, pre-tokenizers, patterns,
decoders, added tokens, post-processors. The model here shows every piece: a character inside of a piece is written with
a prefix, and all is spelled in bytes."""
import itertools
import json
import unicodedata

import pytest

pytest.importorskip("tokenizers")

import test_tokenizer as whole
from test_tokenizer import SEED, TokenizerError, both, families, same
from tokenizer_families import byte_level, cuts, decoders, metaspace, replace, split
from tokenizer_texts import Texts

COUNT = max(whole.COUNT // 25, 100)
BYTES = {f"<0x{b:02X}>": b for b in range(256)}
SHOWING = {
    "type": "BPE", "vocab": {**BYTES, "<unk>": 256}, "merges": [], "byte_fallback": True, "unk_token": "<unk>",
    "continuing_subword_prefix": "#"
}


def description(**parts):
    empty = dict(version="1.0", truncation=None, padding=None, added_tokens=[], normalizer=None, pre_tokenizer=None,
                 post_processor=None)
    return {**empty, "decoder": {"type": "Fuse"}, "model": SHOWING, **parts}


def compare_ids(parts, texts):
    ours, theirs = both(parts)
    what = json.dumps({k: v for k, v in parts.items() if k != "model"}) + " encoding"
    for text, expected in zip(texts, theirs.encode_batch_fast(texts)):
        same(ours.encode(text), expected.ids, what, text)


def compare_ids_one_by_one(parts, texts):
    """`tokenizers` panics where white space that one token takes along holds another token; those texts do not
    count."""
    ours, theirs = both(parts)
    lists = []
    for text in texts:
        try:
            lists.append(theirs.encode(text).ids)
        except BaseException as panic:
            assert "bad split" in str(panic)
            ours.encode(text)
            continue
        same(ours.encode(text), lists[-1],
             json.dumps({k: v
                         for k, v in parts.items() if k != "model"}) + " encoding", text)
    assert len(lists) > len(texts) // 2
    return ours, theirs, lists


def random_texts(specials=("<s>",), count=COUNT, salt=0):
    return Texts(SEED + salt, specials).many(count)


def points():
    """Characters without most of the large blocks of ideographs, syllables and private use; by default a third of those
    beyond U+3000."""
    dull = [(0x3400, 0x4DB0), (0x4E10, 0x9FE0), (0xAC00, 0xD7A0), (0xE010, 0xF8F0), (0x17000, 0x18CC0),
            (0x20000, 0x2A6C0), (0x2A6E0, 0x2FA00), (0x30000, 0x31340)]
    found = [
        c for c in itertools.chain(range(0x33600), range(0xE0000, 0xE0200), (0xF0000, 0xFFFFD, 0xFFFFE, 0x10FFFF))
        if not 0xD800 <= c < 0xE000
    ]
    few = 1 if whole.COUNT > 10000 else 3
    return [c for c in found if c % 61 == 0 or (c < 0x3000 or c % few == 0) and not any(a <= c < b for a, b in dull)]


def every_character():
    chars = [chr(c) for c in points()]
    return ["".join(f"a{c}{c} {c}!" for c in chars[i : i + 128]) for i in range(0, len(chars), 128)]


NORMALIZERS = [{"type": t} for t in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel")]
NORMALIZERS += [{"type": "Strip", "strip_left": left, "strip_right": right} for left in (True, False)
                for right in (True, False)]
NORMALIZERS += [{"type": "Prepend", "prepend": p} for p in ("▁", "ab ", "")]
NORMALIZERS += [replace(" ", "▁"), replace("ab", ""), replace("a", "bb"), replace("\n", "")]
NORMALIZERS += [
    replace(p, c, "Regex")
    for p, c in ((r"\s+", " "), (r"\p{L}+", "x"), (r"(a)|b", "\\1"), (r"x*", "-"), (r"^ | $", ""), (r"\d{2}", "é"))
]
BERT = [
    dict(zip(("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"), f))
    for f in itertools.product([True, False], [True, False], [True, False, None], [True, False])
]
NORMALIZERS += [{"type": "BertNormalizer", **flags} for flags in BERT]
NORMALIZERS += [{
    "type": "Sequence", "normalizers": [{"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"},
                                        replace("ß", "ss"), {"type": "NFC"}]
}]
NORMALIZERS += [{"type": "Sequence", "normalizers": []}]


def name_of(part):
    return json.dumps(part, ensure_ascii=True)[:80]


@pytest.mark.parametrize("part", NORMALIZERS, ids=name_of)
def test_normalizer(part):
    compare_ids(description(normalizer=part), random_texts())


@pytest.mark.parametrize("part",
                         [{"type": t} for t in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt")] +
                         [{"type": "BertNormalizer", **BERT[0]}], ids=name_of)
def test_normalizer_on_every_character(part):
    compare_ids(description(normalizer=part), every_character())


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_order_of_marks(form):
    marks = [c for c in points() if unicodedata.combining(chr(c))]
    others = [chr(c) for c in (0x334, 0x3099, 0x94D, 0x5B0, 0x321, 0x316, 0x300, 0x345, 0x31B, 0x302A, 0x35C, 0x1DF9)]
    texts = ["".join(f"a{chr(m)}{o}e{o}{chr(m)}" for o in others) for m in marks]
    texts += [
        "a" + "\u0301\u0316\u0334" * 50, "\u0301\u0316" * 40 + "\u0300", "각" + "\u11a8\u1100\u1161\u11a7",
        "\U00011935\U00011930"
    ]
    compare_ids(description(normalizer={"type": form}), texts)


BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
SPLITS = [split(p, b, i) for p in (r"\s", r"\p{L}+", r"a|", r"[^a]") for b in BEHAVIORS for i in (False, True)]
SPLITS += [split(p, b, i, "String") for p in (" ", "ab", ".") for b in BEHAVIORS for i in (False, True)]
CUTS = SPLITS + [byte_level(r, p) for r in (True, False) for p in (True, False)]
CUTS += [metaspace(s, t) for s in ("always", "first", "never") for t in (True, False)]
CUTS += [{"type": "Digits", "individual_digits": i} for i in (True, False)] + [{"type": "Punctuation", "behavior": b}
                                                                               for b in BEHAVIORS]
CUTS += [{"type": t} for t in ("Whitespace", "WhitespaceSplit", "BertPreTokenizer")
         ] + [{"type": "CharDelimiterSplit", "delimiter": d} for d in " a▁"]
CUTS += [{"type": "FixedLength", "length": n}
         for n in (1, 2, 7)] + [cuts({"type": "FixedLength", "length": 3}, byte_level(False))]
CUTS += [{"type": "UnicodeScripts"},
         cuts({"type": "UnicodeScripts"}, byte_level(False)),
         cuts(metaspace("first", False), {"type": "UnicodeScripts"})]
CUTS += [
    cuts(),
    cuts({"type": "WhitespaceSplit"}, metaspace("always", True)),
    cuts({"type": "Punctuation", "behavior": "Isolated"}, metaspace("first", True))
]
CUTS += [
    cuts(metaspace("first", False), {"type": "Digits", "individual_digits": True}),
    cuts({"type": "Digits", "individual_digits": False}, byte_level(True, True))
]


@pytest.mark.parametrize("part", CUTS, ids=name_of)
def test_pretokenizer(part):
    added = [families.added_token(257, "<s>"), families.added_token(258, "é", special=False, normalized=True)]
    compare_ids(description(pre_tokenizer=part, added_tokens=added), random_texts())


UNICODE_CUTS = [{"type": t} for t in ("UnicodeScripts", "Whitespace", "WhitespaceSplit", "BertPreTokenizer")
                ] + [{"type": "Digits", "individual_digits": False}, {"type": "Punctuation", "behavior": "Contiguous"}]


@pytest.mark.parametrize("part", UNICODE_CUTS, ids=name_of)
def test_pretokenizer_on_every_character(part):
    compare_ids(description(pre_tokenizer=part), every_character())


def test_scripts_of_every_character():
    """Each character behind a letter, a digit, a mark and ideographs, of which one is of its own script or none is."""
    part = description(pre_tokenizer={"type": "UnicodeScripts"})
    others = "a1\u0301中かカー가אابбβअกა "
    compare_ids(part, ["".join(f"{o}{chr(c)}{o}" for o in others) for c in points() if c % 2 == SEED % 2])
    chars = [chr(c) for c in points()]
    compare_ids(part, ["".join(chars[i : i + 64]) for i in range(0, len(chars), 64)])


CLASSES = [
    rf"\p{{{c}}}" for c in ("L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "N", "Nd", "Nl", "No", "P", "Pc", "Po", "S",
                            "Sm", "So", "Z", "^L")
]
CLASSES += [
    r"\s", r"\S", r"\w", r"\W", r"\d", r"\D", r"\h", r"\P{L}", r"[^\s\p{L}\p{N}]", r"[\P{L}x]", r"[\w-]", r"(?i:[k-s])",
    r"(?i:'s|'t|é|Σ)", r"\p{Han}", r"\p{^Latin}", r"[^\p{Greek}a]", r"\p{thai}"
]
CLASSES += [
    "[[:digit:]]", "[[:space:]]", "[[:upper:]]", "[[:cntrl:]]", "[[:xdigit:]]", "[[:punct:]]", "[[:blank:]]",
    "[[:ascii:]]", "[[:word:]]"
]
CLASSES += [f"[[:{hat}{name}:]]" for name in ("alpha", "alnum", "lower", "graph", "print")
            for hat in ("", "^")] + ["[[:^punct:]]", "[[:^space:]a]", "[^[:^alpha:]]"]
CLASSES += [
    rf"\p{{{p}}}" for p in ("Alpha", "^alnum", "Punct", "Upper", "Lower", "Space", "Digit", "Cntrl", "Graph", "Print",
                            "XDigit", "Word", "ASCII", "Blank")
]
CLASSES += [
    rf"\P{{{p}}}" for p in ("Alpha", "Punct", "^Lower", "White_Space", "Cased_Letter", "Letter", "Modifier Letter",
                            "Decimal_Number", "Currency_Symbol", "Any", "Assigned", "Ideographic")
]
CLASSES += [
    r"[\w&&[^\d_]]", r"[\p{L}&&[^\p{Han}]]", r"[^\p{L}&&[^\p{Han}]]", r"[^a-z&&[b]]", r"[a-f&&d-z&&[^e]]", r"[a[^b]]",
    r"[\W]", r"[^\W_]", r"[\Hb]", r"[&&a]", r"[a&&]", r"[a-z&&^b]", r"[^&&a]", r"[a-c[^\p{L}]\p{Nd}]"
]


def known_to_pcre(texts):
    """Texts without the characters that came after Unicode 14: of those only the category is known."""
    return ["".join(c for c in text if unicodedata.category(c) != "Cn") for text in texts]


@pytest.mark.parametrize("pattern", CLASSES)
def test_character_class(pattern):
    derived = any(word in pattern.lower() for word in ("alpha", "alnum", "lower"))
    compare_ids(description(pre_tokenizer=split(pattern)),
                known_to_pcre(every_character()) if derived else every_character())


PATTERNS = [
    families.GPT2, families.LLAMA3, families.QWEN, families.QWEN35, families.TEKKEN, families.O200K, *families.DEEPSEEK,
    *families.DEEPSEEK_CODER, *families.FALCON
]
PATTERNS += [
    families.POSSESSIVE, r"^a|b$", r"\Aa", r"e\z", r"a.b", r"(?m:a.*)", r"a.*?", r"\ba|e\b", r"\Be", r"(?<=a)b",
    r"(?<!a)[be]", r"(\w)\1", r"(?<x>\w)\k<x>"
]
PATTERNS += [
    r"(?>a+)b", r"\w{2}", r"\w{2,}", r"\w{,2}x", r"\w{2,3}?", r"\w{2}?", r"(?:ab|\w){2}+", r"\w{2,3}+",
    r"(?<=x)[a-c]{1,2}+ ", r"a{", r"a{x}", r"[\]\-a]", r"[]a]x|[a\]]"
]
PATTERNS += [
    r"\x41{2}?", r"\x61{1,2}+", r"\P{L}+\P{N}", r"\S+\P{P}x?", r"[a[bc]d]", " ?[^(\\s|[.,!?…。，、।۔،])]+", "[[a-]c]",
    "[c[-a]]", "[]-a]", "[[a]-z]", r"(?i:[sdmt]|[^à-ö])"
]
PATTERNS += [
    r"\u00e9|\x{4e2d}|\x41", r"(?i)hello|WORLD", r"(?i-m:É)|ﬁ|ss", r"(?i:a(?-i:ss)b)|st", r"(?x: a b # c" + "\n)",
    r"[a\-z]", r"[\d\-x]", r"a|b|", r"(?:)", r"\R", r"(?=a)", r"$", r"^", r"[\h]+", r"\t|\n"
]
PATTERNS += [
    r"\X", r"\N", r"\O", r"\O+b", r"[a-z&&[^c]]{2}", r"(?<=[a-z&&[^c]])b", r"[\p{L}&&[^\p{Han}]]+|\p{Han}+",
    r"[^[:alpha:]]+", r"[a&&&&a]", r"[a-c&&-b]", r"[a-&&a]", r"[\^a]", r"[a^]"
]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("behavior", ["Isolated", "MergedWithNext"])
def test_pattern(pattern, behavior):
    texts = [] if pattern == r"\X" else random_texts()  # docs/design/tokenizer.md: clusters that differ
    if "alpha" in pattern:
        texts = known_to_pcre(texts)
    texts += ["e\u0301a", "\U0001F468\u200d\U0001F469x", "\r\n\n", "\uac00\u11a8a"]
    compare_ids(
        description(pre_tokenizer=split(pattern, behavior)), texts +
        ["ab", "ba", "xab aab ", "ab=cxx", "AAAA", "aab e", "a\nb\n", "e", "a{", "a{x}", "a\r\nb", "Hello wOrLd"])


@pytest.mark.parametrize("pattern", [
    "(?i:[a&&b])", "(?i:[a[^b]])", "[a-[b]]", r"\p{Nonsense}", r"(?i)\p{Alpha}", r"\pL", r"(?i:[\p{Lu}])", "(?i:[ß])",
    "(?i:[À-ÿ])", r"(?i:[\xdf])", "(?i:[[:upper:]])", "(", "a)", "*", "[b-a]", "(?~a)", "a(?i)b|c", "\\", r"\y",
    "(*SKIP)", "a\0b", r"(?i:[\H])", r"[\X]", "[[:alpha]]", "[[:nonsense:]]", "(?i:ss)", "(?i)aSTb", "(?i:ß)"
])
def test_refused_pattern(pattern):
    with pytest.raises(TokenizerError, match="pre_tokenizer.pattern: "):
        whole.Tokenizer(json.dumps(description(pre_tokenizer=split(pattern))).encode())


@pytest.mark.parametrize(
    "normalizer", [{"type": "Prepend", "prepend": "xy"}, {"type": "Strip", "strip_left": True, "strip_right": True},
                   replace("a", ""),
                   replace(" ", "__"),
                   replace("  ", "é"),
                   replace(r" ?[\n1]", "é", "Regex"), {"type": "NFKC"}, {
                       "type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "NFKC"}]
                   }, {"type": "BertNormalizer", **BERT[0]}, {"type": "ByteLevel"}], ids=name_of)
@pytest.mark.parametrize("cut", [
    metaspace("first", True),
    cuts({"type": "Digits", "individual_digits": True}, metaspace("first", False)),
    cuts(metaspace("first", False), split(r"[\s1]"), metaspace("first", False))
], ids=name_of)
def test_first_piece(normalizer, cut):
    added = [families.added_token(257, "<s>"), families.added_token(258, "b", special=False, normalized=True)]
    texts = random_texts() + [
        " a", "  ab", "a", "aab", "b", "ab", "bb", "1", "12a", "<s>a", " <s>a", "é", "x<s>", "   a", "\n", " \na",
        "a\u0328b", "E\u0328\U00011102", "\u1112\u1161\u11ab"
    ]
    compare_ids(description(normalizer=normalizer, pre_tokenizer=cut, added_tokens=added), texts)


FLAGS = [
    dict(zip(("single_word", "lstrip", "rstrip", "normalized"), f)) for f in itertools.product([False, True], repeat=4)
]
ADDED = [
    "<s>", "<s", "s>", " ", "  ", "ab", "abc", "bc", "é", "É", "\n\n", "▁", "▁▁", "中", "e\u0301", "<|im_end|>",
    "<|im_start|>", "a b"
]


def distinct(contents, normalizer):
    """Of tokens that the normalizer makes the same only one: `tokenizers` picks one of them at random."""
    theirs = whole.tokenizers.Tokenizer.from_str(json.dumps(description(normalizer=normalizer)))
    return list({theirs.normalizer.normalize_str(c) if normalizer else c: c for c in contents}.values())


@pytest.mark.parametrize("normalizer", [
    None, {"type": "NFC"}, {"type": "Lowercase"},
    {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                                         replace(" ", "▁")]}, {"type": "ByteLevel"}
], ids=name_of)
@pytest.mark.parametrize("salt", range(8))
def test_added_tokens(normalizer, salt):
    random = Texts(SEED + salt, []).random
    chosen = distinct(random.sample(ADDED, 9), normalizer)
    added = [
        families.added_token(257 + i, c, special=random.random() < 0.5, **random.choice(FLAGS))
        for i, c in enumerate(chosen)
    ]
    parts = description(normalizer=normalizer, added_tokens=added,
                        pre_tokenizer=random.choice([None, metaspace("first", True),
                                                     metaspace("always", False)]))
    texts = random_texts(chosen, COUNT // 4, salt)
    ours, theirs, lists = compare_ids_one_by_one(parts, texts)
    whole.compare_decoding(ours, theirs, lists + [list(range(270))] + [[i] for i in range(255, 270)], 1)


def test_single_word_on_every_character():
    token = families.added_token(257, "X", single_word=True)
    texts = [f"{chr(c)}X X{chr(c)} X" for c in points()]
    compare_ids(description(added_tokens=[token]), ["".join(texts[i : i + 50]) for i in range(0, len(texts), 50)])


POSTS = [{"type": "BertProcessing", "sep": ["</s>", 5], "cls": ["<s>", 6]},
         byte_level(), None, {"type": "Sequence", "processors": []}]
POSTS += [{
    "type": "RobertaProcessing", "sep": ["</s>", 5], "cls": ["<s>", 6], "trim_offsets": False, "add_prefix_space": False
}]
POSTS += [{"type": "Sequence", "processors": [byte_level(), POSTS[0]]}]
POSTS += [
    families.template(*pieces)
    for pieces in (("$A",), ("<s>", "$A"), ("<s>", "<s>", "$A", "</s>"), ("$A", "</s>", "<s>"))
]


@pytest.mark.parametrize("post", POSTS, ids=name_of)
@pytest.mark.parametrize("add", [False, True])
def test_postprocessor(post, add):
    if post and "special_tokens" in post:
        post = post | {
            "special_tokens": {
                n: {"id": n, "ids": i, "tokens": [n] * len(i)}
                for n, i in (("<s>", [7]), ("</s>", [8, 9]))
            }
        }
    ours, theirs = both(description(post_processor=post))
    for text in ["", "a", "hello world"]:
        same(ours.encode(text, add), theirs.encode(text, add_special_tokens=add).ids, "encoding", text)


DECODERS = [
    None,
    byte_level(), {"type": "ByteFallback"}, {"type": "Fuse"},
    metaspace("always", True),
    metaspace("never", True), {"type": "BPEDecoder", "suffix": "</w>"}
]
DECODERS += [{"type": "WordPiece", "prefix": "##", "cleanup": c} for c in (True, False)
             ] + [replace("▁", " "),
                  replace("aa", "b"),
                  replace(r"\s+", "_", "Regex"),
                  replace("a|b*", "-", "Regex")]
DECODERS += [{"type": "CTC", "pad_token": p, "word_delimiter_token": w, "cleanup": c}
             for p, w in (("aa", "▁"), ("a", "b")) for c in (True, False)]
DECODERS += [{"type": "Strip", "content": "a", "start": s, "stop": 0} for s in (0, 1, 2)]
FUSED = [replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"}]
DECODERS += [
    decoders(*FUSED, last) for last in ({"type": "Strip", "content": " ", "start": 1, "stop": 0},
                                        {"type": "Strip", "content": " ", "start": 2, "stop": 0}, replace("aa", "b"),
                                        replace("aba", ""), replace(r"a+", "_", "Regex"), metaspace("first", True),
                                        {"type": "WordPiece", "prefix": "a", "cleanup": True})
]
DECODERS += [
    decoders(),
    decoders(*FUSED),
    decoders({"type": "ByteFallback"}, metaspace("always", True)),
    decoders({"type": "Fuse"}, byte_level()),
    decoders(byte_level(), replace("aab", "c"))
]
DECODERS += [
    decoders({"type": "CTC", "pad_token": "a", "word_delimiter_token": "b", "cleanup": True}, replace("é", "x"),
             {"type": "Strip", "content": "a", "start": 1, "stop": 0})
]
TOKENS = [
    "a", "b", "aa", "ab", "▁", "▁a", "▁▁", " ", "  ", "Ġ", "Ġa", "Ã", "©", "é", "ä¸", "Ń", "ð", "Ł", "ĺ", "Ģ", "中",
    "##a", "##", "a</w>", "</w>", " .", " '", " n't", "'s", " do not", "<0x+5>", "<0x5>", "<0xZZ>", "<0xzz", ""
]


@pytest.mark.parametrize("decoder", DECODERS, ids=name_of)
def test_decoder(decoder):
    vocab = {**BYTES, **{t: 256 + i for i, t in enumerate(TOKENS)}}
    parts = description(decoder=decoder, model={"type": "BPE", "vocab": vocab, "merges": []})
    parts["added_tokens"] = [
        families.added_token(vocab["aa"], "aa"),
        families.added_token(vocab["é"], "é", special=False)
    ]
    ours, theirs = both(parts)
    random = Texts(SEED, []).random
    kinds = [range(256), range(256, 256 + len(TOKENS) + 2), range(0xC0, 0xF8), range(0x80, 0xC0), range(0x61, 0x64)]
    lists = [[random.choice(random.choice(kinds)) for _ in range(random.randrange(14))] for _ in range(COUNT)]
    lists += [list("é中😀".encode()), list("é中😀".encode())[:-1], [0xE4, 0x41], [0xF0, 0x9F, 0x98], []]
    whole.compare_decoding(ours, theirs, [i for i in lists if i or decoder is None or decoder["type"] != "BPEDecoder"],
                           1)


@pytest.mark.parametrize("stop", [1, 2])
def test_strip_end(stop):
    """Tokens at least as long as what is stripped: `tokenizers` panics on others."""
    vocab = {t: i for i, t in enumerate(["baaa", "aaab", "baba", "bab", "bbaa", "baa"])}
    for extra in ([], [{"type": "Fuse"}]):
        steps = decoders(*extra, {"type": "Strip", "content": "a", "start": 1, "stop": stop})
        ours, theirs = both(description(decoder=steps, model={"type": "BPE", "vocab": vocab, "merges": []}))
        random = Texts(SEED, []).random
        whole.compare_decoding(ours, theirs,
                               [[random.randrange(6) for _ in range(random.randrange(1, 9))] for _ in range(200)], 1)


MODELS = [
    dict(zip(("unk_token", "fuse_unk", "byte_fallback", "ignore_merges"), f))
    for f in itertools.product(["<unk>", None], [False, True], [False, True], [False, True])
]


@pytest.mark.parametrize("flags", MODELS, ids=name_of)
@pytest.mark.parametrize("affixes", [(None, None), ("##", None), (None, "</w>"), ("##", "</w>"), ("", "")])
def test_model(flags, affixes):
    """All flags, on a vocabulary that lacks some bytes and many characters."""
    inner, end = affixes[0] or "", affixes[1] or ""
    letters = "abcé \u0301"
    tokens = ["<unk>"] + [f"<0x{b:02X}>" for b in (*range(0x20, 0x7B), 0xC3, 0xA9, 0xE4, 0xB8, 0xAD, 0xF0)]
    tokens += [p + c + s for p in {"", inner} for c in letters for s in {"", end}]
    merges, tokens = grow(tokens, inner)
    vocab = {t: i for i, t in enumerate(dict.fromkeys(tokens))}
    model = {
        "type": "BPE", "vocab": vocab, "merges": merges, "continuing_subword_prefix": affixes[0],
        "end_of_word_suffix": affixes[1], **flags
    }
    random = Texts(SEED, []).random
    texts = [
        "".join(
            random.choice("aaabbcé \u0301xzŽ中😀<unk>")
            for _ in range(random.choice([1, 2, 5, 9, 30, 31, 32, 33, 34, 70]))) for _ in range(COUNT)
    ]
    compare_ids(description(model=model, pre_tokenizer={"type": "WhitespaceSplit"}), texts)


def grow(tokens, inner):
    """Random merges of what is there, such that each makes a new token."""
    random = Texts(5, []).random
    merges, known = [], dict.fromkeys(tokens)
    pool = [t for t in known if not t.startswith("<")]
    while len(merges) < 60:
        left, right = random.choice(pool), random.choice(pool)
        if inner and not right.startswith(inner) or left.endswith("</w>"):
            continue
        merges.append([left, right])
        made = left + right[len(inner) :]
        known.setdefault(made)
        pool.append(made)
    return merges, list(known)
