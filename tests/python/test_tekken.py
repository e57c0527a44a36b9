"""tekken.json against transformers' own conversion, and against pairs merged by rank as tiktoken merges them. The
vocabulary is trained here."""
import base64
import json
import os
import random

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
tokenizers = pytest.importorskip("tokenizers")
mistral = pytest.importorskip("transformers.integrations.mistral.tokenizer")

from test_tokenizer import ROOT, SEED, Tokenizer, TokenizerError, compare_decoding, same
from tokenizer_families import TEKKEN
from tokenizer_texts import WORDS, Texts

SPECIALS = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "<pad>", "[ARGS]"]
OLDER = """<unk> <s> </s> [INST] [/INST] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] [/TOOL_RESULTS]
    [TOOL_CALLS] [IMG] <pad> [IMG_BREAK] [IMG_END] [PREFIX] [MIDDLE] [SUFFIX] [SYSTEM_PROMPT] [/SYSTEM_PROMPT]
    [TOOL_CONTENT]""".split()


def train(count=700):
    """Tokens as bytes: all 256, then what BPE finds in the repository's texts, by rank."""
    model = tokenizers.Tokenizer(tokenizers.models.BPE())
    model.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=count, show_progress=False,
                                             initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet())
    model.train_from_iterator([(ROOT / "README.md").read_text(),
                               (ROOT / "CONTRIBUTING.md").read_text(), *[" ".join(WORDS)] * 20], trainer)
    letters = [c for c in (*range(33, 127), *range(161, 173), *range(174, 256))]
    byte_of = {chr(c): c
               for c in letters} | {chr(256 + i): c
                                    for i, c in enumerate(c for c in range(256) if c not in letters)}
    tokens = [bytes(byte_of[c] for c in token) for token, _ in sorted(model.get_vocab().items(), key=lambda t: t[1])]
    return [bytes([i]) for i in range(256)] + [t for t in tokens if len(t) > 1]


TOKENS = train()


def tekken(specials=SPECIALS, special_count=None, size=None, shuffle=False):
    def shown(token):
        try:
            return token.decode()
        except UnicodeDecodeError:
            return None

    vocab = [{"rank": i, "token_bytes": base64.b64encode(t).decode(), "token_str": shown(t)}
             for i, t in enumerate(TOKENS)]
    listed = [{"rank": i, "token_str": t, "is_control": True} for i, t in enumerate(specials)]
    if shuffle:
        random.Random(1).shuffle(listed)
    config = {"pattern": TEKKEN, "num_vocab_tokens": len(vocab), "version": "v13"}
    config |= {"default_num_special_tokens": special_count} if special_count else {}
    config |= {"default_vocab_size": size} if size else {}
    return {"config": config, "vocab": vocab, "special_tokens": listed, "image": {"image_patch_size": 14}}


def write(folder, content):
    path = folder / "tekken.json"
    path.write_text(json.dumps(content, ensure_ascii=random.Random(len(str(content))).random() < 0.5))
    return path


def merge_by_rank(piece, ranks):
    parts = [piece[i : i + 1] for i in range(len(piece))]
    while True:
        found = [(ranks[a + b], i) for i, (a, b) in enumerate(zip(parts, parts[1:])) if a + b in ranks]
        if not found:
            return parts
        _, i = min(found)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]


@pytest.mark.parametrize("options", [{}, {"special_count": 20}, {"special_count": 20, "size": 620},
                                     {"size": 500, "shuffle": True}, {"specials": SPECIALS[:3]}], ids=str)
def test_as_transformers_converts_it(tmp_path, options):
    path = write(tmp_path, tekken(**options))
    theirs, ours = mistral.convert_tekken_tokenizer(str(path)), Tokenizer(tmp_path)
    texts = Texts(SEED, [*SPECIALS, "<SPECIAL_9>", "<SPECIAL_30>", "<pad>"]).many(1500)
    lists = [theirs.backend_tokenizer.encode(text).ids for text in texts]
    for text, expected in zip(texts, lists):
        same(ours.encode(text), expected, f"{options} encoding", text)
    compare_decoding(ours, theirs.backend_tokenizer, lists, 16)
    assert len(theirs) == ours.library.tarn_tokenizer_vocab_size(ours.handle)


def test_as_pairs_merged_by_rank(tmp_path):
    write(tmp_path, tekken())
    ours, ranks = Tokenizer(tmp_path), {t: i for i, t in enumerate(TOKENS)}
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(TEKKEN), "isolated")
    for text in Texts(SEED, ["x"]).many(1500):
        pieces = [piece.encode() for piece, _ in split.pre_tokenize_str(text)]
        expected = [len(SPECIALS) + ranks[t] for p in pieces for t in ([p] if p in ranks else merge_by_rank(p, ranks))]
        same(ours.encode(text), expected, "encoding", text)


def test_older_file_without_special_tokens(tmp_path):
    """mistral-common's own list, which transformers asks it for."""
    content = tekken(special_count=25)
    del content["special_tokens"]
    write(tmp_path, content)
    ours = Tokenizer(tmp_path)
    assert ours.encode("".join(OLDER) + "<SPECIAL_20><SPECIAL_24>") == [*range(20), 20, 24]
    assert ours.encode("a") == [25 + TOKENS.index(b"a")]


def broken(change):
    content = tekken()
    change(content)
    return content


def set_item(*way, to):
    def change(content):
        for step in way[:-1]:
            content = content[step]
        content[way[-1]] = to

    return change


@pytest.mark.parametrize("change, message", [
    (lambda c: c.pop("config"), "config: is missing"),
    (lambda c: c["config"].pop("pattern"), "config.pattern: is missing"),
    (set_item("config", "pattern", to="("), "config.pattern: "),
    (set_item("config", "default_vocab_size", to="x"), "config.default_vocab_size: must be a whole number"),
    (set_item("config", "default_vocab_size", to=3), "config.default_vocab_size: is 3, not in 7"),
    (set_item("config", "default_vocab_size", to=200), "vocab: the byte 0xC1 is no token"),
    (set_item("config", "default_num_special_tokens", to=3), "config.default_num_special_tokens: is 3, not in 7"),
    (set_item("special_tokens", to={}), "special_tokens: must be an array"),
    (set_item("special_tokens", to=[]), "special_tokens: 0 special tokens"),
    (set_item("special_tokens", 2, "rank", to=9), "special_tokens[2].rank: is 9, not in 0 to 6"),
    (set_item("special_tokens", 2, "rank", to=1), "special_tokens[2]: the token or its rank occurs twice"),
    (set_item("special_tokens", 2, "token_str", to=1), "special_tokens[2].token_str: must be a string"),
    (set_item("special_tokens", 2, "token_str", to="<s>"), "special_tokens[2]: the token or its rank occurs twice"),
    (set_item("special_tokens", 2, "token_str", to="the"), "vocab["),
    (lambda c: c.pop("vocab"), "vocab: must be an array"),
    (set_item("vocab", 3, to=[]), "'{' expected"),
    (set_item("vocab", 3, "rank", to=4), "vocab[3].rank: must be the place in the list"),
    (lambda c: c["vocab"][3].pop("rank"), "vocab[3].rank: must be the place in the list"),
    (lambda c: c["vocab"][3].pop("token_bytes"), "vocab[3].token_bytes: is missing"),
    (set_item("vocab", 3, "token_bytes", to="AB=="), "vocab[3].token_bytes: is no base64"),
    (set_item("vocab", 3, "token_bytes", to="A"), "vocab[3].token_bytes: is no base64"),
    (set_item("vocab", 3, "token_bytes", to="A!=="), "vocab[3].token_bytes: is no base64"),
    (set_item("vocab", 3, "token_bytes", to=""), "vocab[3].token_bytes: a token has 1 to 1024 bytes"),
    (set_item("vocab", 3, "token_bytes", to="AA=="), "vocab[3].token_bytes: the token occurs twice"),
    (set_item("vocab", 3, "other", to=1), 'vocab[3]: unknown member "other"'),
])
def test_message(tmp_path, change, message):
    path = write(tmp_path, broken(change))
    with pytest.raises(TokenizerError) as error:
        Tokenizer(tmp_path)
    assert str(error.value).startswith(str(path)) and message in str(error.value), error.value
