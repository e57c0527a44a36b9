"""Small tokenizers, one for each family of models, put together as the families' tokenizer.json files are and trained
here."""
import json

from tokenizer_texts import Texts

GPT2 = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
LLAMA3 = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
QWEN = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
QWEN35 = QWEN.replace(r"\p{L}+", r"[\p{L}\p{M}]+").replace(r"[^\s\p{L}\p{N}]+", r"[^\s\p{L}\p{M}\p{N}]+")
TEKKEN = (
    r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"""
    r"""|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"""
    r"""|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
)
ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = (
    r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+""" + ENDINGS
    + r"""|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*""" + ENDINGS
    + r"""|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
)
DEEPSEEK = [
    r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""",
]
DEEPSEEK_CODER = ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}"]
FALCON = [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"]
POSSESSIVE = r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"""


def byte_level(use_regex=True, add_prefix_space=False):
    return {"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": True, "use_regex": use_regex}


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def cuts(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def replace(old, new, kind="String"):
    return {"type": "Replace", "pattern": {kind: old}, "content": new}


def metaspace(scheme, split_too):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split_too}


def template(*pieces):
    parts = [{"Sequence": {"id": "A", "type_id": 0}} if p == "$A" else {"SpecialToken": {"id": p, "type_id": 0}}
             for p in pieces]
    return {
        "type": "TemplateProcessing", "single": parts, "pair": parts + [{"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {}
    }


def decoders(*steps):
    return {"type": "Sequence", "decoders": list(steps)}


SPM_DECODER = decoders(replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"},
                       {"type": "Strip", "content": " ", "start": 1, "stop": 0})
GEMMA_DECODER = decoders(replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"})
LEGACY = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, replace(" ", "▁")]}


def bytewise(cut, normalizer=None, post=None, flags=None, added=()):
    return dict(normalizer=normalizer, pre_tokenizer=cut, post_processor=post, decoder=byte_level(), flags=flags or {},
                added=added, bytes=False)


def fallback(cut, normalizer, decoder, added=(), post=("<s>", "$A")):
    return dict(normalizer=normalizer, pre_tokenizer=cut, post_processor=template(*post), decoder=decoder, flags={},
                added=added, bytes=True)


TOOL = dict(content="<tool>", special=False, normalized=True)
ADDED = [dict(content="<|end|>", rstrip=True), dict(content="<|user|>", rstrip=True, lstrip=True), TOOL]

FAMILIES = {
    "gpt2": bytewise(byte_level(), post=byte_level()), "roberta": bytewise(
        byte_level(add_prefix_space=True), post={
            "type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1], "trim_offsets": True,
            "add_prefix_space": True
        }), "smollm": bytewise(cuts({"type": "Digits", "individual_digits": True}, byte_level())),
    "llama3": bytewise(cuts(split(LLAMA3), byte_level(False)),
                       post={"type": "Sequence", "processors": [byte_level(),
                                                                template("<s>", "$A")]}, flags={"ignore_merges": True}),
    "qwen": bytewise(cuts(split(QWEN), byte_level(False)), normalizer={"type": "NFC"}, post=byte_level(),
                     added=ADDED), "qwen35": bytewise(cuts(split(QWEN35), byte_level(False)),
                                                      normalizer={"type": "NFC"}),
    "tekken": bytewise(cuts(split(TEKKEN), byte_level(False)), post=template("<s>", "$A"),
                       flags={"ignore_merges": True}), "o200k": bytewise(cuts(split(O200K),
                                                                              byte_level(False)), post=byte_level(),
                                                                         flags={"ignore_merges": True}),
    "deepseek3": bytewise(cuts(*map(split, DEEPSEEK), byte_level(False)), post=template("<s>", "$A"),
                          added=[dict(content="<｜tool▁call｜>", special=False)
                                 ]), "deepseek-coder": bytewise(cuts(*map(split, DEEPSEEK_CODER), byte_level(False))),
    "falcon": bytewise(cuts(split(FALCON[0], "Contiguous"), byte_level(), split(FALCON[2]))),
    "command-r": bytewise(cuts({"type": "Digits", "individual_digits": True}, byte_level()), normalizer={"type": "NFC"},
                          post=template("<s>", "$A", "</s>")),
    "possessive": bytewise(cuts(split(POSSESSIVE, "Removed", True),
                                byte_level(False))), "llama2-legacy": fallback(None, LEGACY, SPM_DECODER),
    "llama2-new": fallback(metaspace("first", False), None,
                           SPM_DECODER), "phi3": fallback(None, LEGACY, SPM_DECODER, added=ADDED), "gemma": fallback(
                               split(" ", "MergedWithPrevious", kind="String"), replace(" ", "▁"), GEMMA_DECODER,
                               added=[dict(content="\n\n", special=False),
                                      dict(content="  ", special=False),
                                      TOOL]), "metaspace": fallback(metaspace("always", True), None,
                                                                    metaspace("always", True), post=("$A", "</s>")),
}


def added_token(position, content, **flags):
    token = dict(id=position, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False,
                 special=True)
    return {**token, **flags}


def corpus():
    texts = Texts(7, [])
    return [texts.words() for _ in range(1500)] + [texts.code()
                                                   for _ in range(200)] + [texts.emoji() for _ in range(100)]


def train(parts, size=900):
    """The tokenizer.json of one family as a dict."""
    from tokenizers import Tokenizer, trainers, pre_tokenizers

    specials = ["<unk>", "<s>", "</s>"] + ([f"<0x{b:02X}>" for b in range(256)] if parts["bytes"] else [])
    start = dict(version="1.0", truncation=None, padding=None, added_tokens=[], normalizer=parts["normalizer"],
                 pre_tokenizer=parts["pre_tokenizer"])
    start.update(post_processor=None, decoder=None, model={"type": "BPE", "vocab": {}, "merges": []})
    tokenizer = Tokenizer.from_str(json.dumps(start))
    alphabet = [] if parts["bytes"] else pre_tokenizers.ByteLevel.alphabet()
    limit = {"limit_alphabet": 90} if parts["bytes"] else {}
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=specials, initial_alphabet=alphabet,
                                  show_progress=False, **limit)
    tokenizer.train_from_iterator(corpus(), trainer)
    made = json.loads(tokenizer.to_str())
    return assemble(made, parts)


def assemble(made, parts):
    vocab = made["model"]["vocab"]
    made["decoder"], made["post_processor"] = parts["decoder"], parts["post_processor"]
    if parts["bytes"]:
        made["model"].update(unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    made["model"].update(parts["flags"])
    made["added_tokens"] = [added_token(i, c) for i, c in enumerate(["<unk>", "<s>", "</s>"])]
    for flags in parts["added"]:
        known = vocab.get(flags["content"])
        position = known if known is not None else len(vocab) + sum(t["id"] >= len(vocab) for t in made["added_tokens"])
        made["added_tokens"].append(added_token(position, **flags))
    fill_templates(made["post_processor"], vocab)
    return made


def fill_templates(post, vocab):
    for part in [post] + (post or {}).get("processors", []):
        if part and part["type"] == "TemplateProcessing":
            names = [p["SpecialToken"]["id"] for p in part["single"] if "SpecialToken" in p]
            part["special_tokens"] = {n: {"id": n, "ids": [vocab[n]], "tokens": [n]} for n in names}
