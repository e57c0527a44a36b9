"""Every id and every byte as Hugging Face's `tokenizers` gives them, over many random texts.

TARN_TEXTS sets how many for each large tokenizer (10000; a quarter of it for small ones), TARN_SEED their seed (seeds.py)."""
import copy
import json
import os
import pathlib
import sys

import pytest

tokenizers = pytest.importorskip("tokenizers")

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "python")]

import gguf_to_tokenizer
import tokenizer_families as families
from seeds import SEED
from tarn_tokenizer import LIBRARY, Tokenizer, TokenizerError
from tokenizer_texts import Texts

if not LIBRARY.exists():
    pytest.skip(f"{LIBRARY} is not built", allow_module_level=True)

VOCABULARIES = pathlib.Path(os.environ.get("TARN_TEST_TOKENIZERS", "/work/shared/tokenizers"))
COUNT = int(os.environ.get("TARN_TEXTS", "10000"))


def both(description):
    data = json.dumps(description, ensure_ascii=False)
    return Tokenizer(data.encode()), tokenizers.Tokenizer.from_str(data)


def same(ours, theirs, what, text):
    assert ours == theirs, f"seed {SEED}: {what} of {text!r}: {ours!r}, not {theirs!r}"


def compare_decoding(ours, theirs, lists, streamed):
    """A run of byte tokens that is no UTF-8 becomes U+FFFD as a whole; a stream has passed on its characters before
    that is known."""
    byte_tokens = "ByteFallback" in repr(theirs.decoder)
    for skip in (False, True):
        for i, (ids, expected) in enumerate(zip(lists, theirs.decode_batch(lists, skip_special_tokens=skip))):
            same(ours.decode(ids, skip), expected, f"decoding (skip={skip})", ids)
            if i % streamed == 0:
                text = "".join(ours.stream(ids, skip))
                if not (byte_tokens and "\ufffd" in expected):
                    same(text, expected, "the stream", ids)


def compare(description, count=COUNT, streamed=16):
    """Encoding with and without the post-processor, decoding with and without special tokens, streaming."""
    print(f"seed {SEED}")
    ours, theirs = both(description)
    texts = Texts(SEED, [t["content"] for t in description["added_tokens"]]).many(count)
    lists = []
    for add, some in ((False, texts), (True, texts[: count // 8])):
        for text, expected in zip(some, theirs.encode_batch_fast(some, add_special_tokens=add)):
            same(ours.encode(text, add), expected.ids, f"encoding (add_special_tokens={add})", text)
            lists.append(expected.ids)
    compare_decoding(ours, theirs, lists, streamed)
    random = Texts(SEED + 1, []).random
    limit = max(description["model"]["vocab"].values()) + 9
    compare_decoding(ours, theirs, [[random.randrange(limit) for _ in range(random.randrange(20))]
                                    for _ in range(count // 4)], streamed)


@pytest.mark.parametrize("name", families.FAMILIES)
def test_family(name):
    compare(families.train(copy.deepcopy(families.FAMILIES[name])), COUNT // 4)


def gguf(name):
    path = VOCABULARIES / f"ggml-vocab-{name}.gguf"
    if not path.exists():
        pytest.skip(f"no {path}")
    return path, gguf_to_tokenizer.tokenizer_json(gguf_to_tokenizer.read_metadata(path), rstrip=name == "phi-3")


@pytest.mark.parametrize("name", ["gpt-2", "starcoder", "llama-spm", "phi-3"])
def test_gguf_vocabulary(name):
    compare(gguf(name)[1])


@pytest.mark.parametrize("name", ["gpt-2", "starcoder", "llama-spm", "phi-3"])
def test_gguf_expected_ids(name):
    path, description = gguf(name)
    ours = Tokenizer(json.dumps(description).encode())
    texts = pathlib.Path(f"{path}.inp").read_bytes().split(b"\n__ggml_vocab_test__\n")
    lines = pathlib.Path(f"{path}.out").read_text().split("\n")
    assert len(texts) == len(lines) > 40
    for text, line in zip(texts, lines):
        same(ours.encode(text, False), [int(i) for i in line.split()], "encoding", text)


def test_models_tiny():
    compare(json.loads((ROOT / "models" / "tiny" / "tokenizer.json").read_text()), COUNT // 4)
