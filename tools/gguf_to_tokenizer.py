#!/usr/bin/env python3
"""Writes tokenizer.json and tokenizer_config.json from the vocabulary in a GGUF file.

    gguf_to_tokenizer.py FILE.gguf FOLDER [--rstrip]

Byte-level vocabularies (tokenizer.ggml.model = gpt2) hold their merges. For SentencePiece ones (llama) the merges are
found from the
scores: all ways to cut a token in two that are tokens themselves, best score first. --rstrip gives the control tokens
beyond <unk>, <s> and <|endoftext|> the flag of that name, as Phi-3 has it; GGUF does not store it.
"""
import argparse
import json
import pathlib
import struct

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = range(1, 7)


class Reader:
    """The key-value part of a GGUF file (version 2 or 3)."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def scalar(self, code):
        value = struct.unpack_from("<" + code, self.data, self.at)[0]
        self.at += struct.calcsize("<" + code)
        return value

    def string(self):
        length = self.scalar("Q")
        if length > len(self.data) - self.at:
            raise ValueError(f"a string of {length} bytes at offset {self.at} does not fit into the file")
        self.at += length
        return self.data[self.at - length : self.at].decode()

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind != ARRAY:
            return self.scalar(SCALARS[kind])
        item, count = self.scalar("I"), self.scalar("Q")
        if item in (STRING, ARRAY):
            return [self.value(item) for _ in range(count)]
        values = struct.unpack_from(f"<{count}{SCALARS[item]}", self.data, self.at)
        self.at += struct.calcsize(f"<{count}{SCALARS[item]}")
        return list(values)


def read_metadata(path):
    reader = Reader(pathlib.Path(path).read_bytes())
    if reader.data[:4] != b"GGUF":
        raise ValueError(f"{path}: is no GGUF file")
    reader.at = 4
    version = reader.scalar("I")
    if version not in (2, 3):
        raise ValueError(f"{path}: GGUF version {version} is not supported")
    reader.scalar("Q")  # tensors
    return {reader.string(): reader.value(reader.scalar("I")) for _ in range(reader.scalar("Q"))}


def merges_from_scores(tokens, scores, types):
    """Every cut of a token into two tokens, by falling score; equal scores by falling lengths of the halves, then by
    ids."""
    ids = {token: i for i, token in enumerate(tokens)}
    found = []
    for token, score, kind in zip(tokens, scores, types):
        if kind in (CONTROL, UNKNOWN, BYTE, UNUSED):
            continue
        halves = [(token[:i], token[i:]) for i in range(1, len(token))]
        halves = [h for h in halves if h[0] in ids and h[1] in ids]
        found += [(score, *h) for h in sorted(halves, key=lambda h: (ids[h[0]], ids[h[1]]))]
    found.sort(key=lambda m: (m[0], len(m[1]), len(m[2])), reverse=True)
    return [[left, right] for _, left, right in found]


def added_tokens(metadata, rstrip):
    tokens, types = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
    plain = {"<unk>", "<s>", "<|endoftext|>"}
    return [
        dict(id=i, content=token, single_word=False, lstrip=False, rstrip=rstrip and token not in plain,
             normalized=False, special=kind != USER) for i, (token, kind) in enumerate(zip(tokens, types))
        if kind in (UNKNOWN, CONTROL, USER)
    ]


def template(metadata, begin):
    tokens = metadata["tokenizer.ggml.tokens"]
    if not begin:
        return None
    bos_id = metadata["tokenizer.ggml.bos_token_id"]
    bos = tokens[bos_id]
    special = lambda kind: {"SpecialToken": {"id": bos, "type_id": kind}}
    text = lambda name, kind: {"Sequence": {"id": name, "type_id": kind}}
    return {
        "type": "TemplateProcessing",
        "single": [special(0), text("A", 0)],
        "pair": [special(0), text("A", 0), special(1), text("B", 1)],
        "special_tokens": {bos: {"id": bos, "ids": [bos_id], "tokens": [bos]}},
    }


def sentencepiece(metadata):
    tokens = metadata["tokenizer.ggml.tokens"]
    replace = lambda old, new: {"type": "Replace", "pattern": {"String": old}, "content": new}
    merges = merges_from_scores(tokens, metadata["tokenizer.ggml.scores"], metadata["tokenizer.ggml.token_type"])
    return {
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                                                           replace(" ", "▁")]}, "pre_tokenizer": None,
        "post_processor": template(metadata, metadata.get("tokenizer.ggml.add_bos_token", True)), "decoder": {
            "type": "Sequence", "decoders": [
                replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0}
            ],
        }, "model": model(metadata, merges, unk_token=tokens[metadata.get("tokenizer.ggml.unknown_token_id", 0)],
                          fuse_unk=True, byte_fallback=True),
    }


def byte_level(metadata):
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    digits = {"type": "Digits", "individual_digits": True}
    split_digits = metadata.get("tokenizer.ggml.pre") in ("starcoder", "refact", "command-r", "smollm")
    return {
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, level]} if split_digits else level,
        "post_processor": template(metadata, metadata.get("tokenizer.ggml.add_bos_token", False))
        or dict(level, trim_offsets=False), "decoder": level,
        "model": model(metadata, metadata["tokenizer.ggml.merges"], unk_token=None, fuse_unk=False,
                       byte_fallback=False),
    }


def model(metadata, merges, **flags):
    vocab = {token: i for i, token in enumerate(metadata["tokenizer.ggml.tokens"])}
    if len(vocab) != len(metadata["tokenizer.ggml.tokens"]):
        raise ValueError("a token occurs twice in the vocabulary")
    affixes = {"continuing_subword_prefix": None, "end_of_word_suffix": None}
    return {
        "type": "BPE", "dropout": None, **affixes, **flags, "ignore_merges": False, "vocab": vocab, "merges": merges
    }


def tokenizer_json(metadata, rstrip=False):
    kinds = {"gpt2": byte_level, "llama": sentencepiece}
    kind = metadata["tokenizer.ggml.model"]
    if kind not in kinds:
        raise ValueError(f"tokenizer.ggml.model = {kind} is not supported")
    head = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added_tokens(metadata, rstrip)}
    return {**head, **kinds[kind](metadata)}


def tokenizer_config(metadata):
    tokens, config = metadata["tokenizer.ggml.tokens"], {
        "tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False
    }
    for role, key in (("bos_token", "bos"), ("eos_token", "eos"), ("unk_token", "unknown"), ("pad_token", "padding")):
        if f"tokenizer.ggml.{key}_token_id" in metadata:
            config[role] = tokens[metadata[f"tokenizer.ggml.{key}_token_id"]]
    if "tokenizer.chat_template" in metadata:
        config["chat_template"] = metadata["tokenizer.chat_template"]
    return config


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rstrip", action="store_true")
    arguments = parser.parse_args()
    metadata = read_metadata(arguments.gguf)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("tokenizer.json", tokenizer_json(metadata, arguments.rstrip)), ("tokenizer_config.json",
                                                                                           tokenizer_config(metadata))):
        (arguments.folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
