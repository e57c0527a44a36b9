"""Folders against transformers' AutoTokenizer: tokens that only the configuration files name, which file goes first,
which chat template is taken, what templates see, vocab.json with merges.txt. Configurations are random, the vocabulary
is a small one of bytes."""
import json
import os
import pathlib
import random
import subprocess

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers")

from tokenizer_families import added_token, byte_level

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARN = pathlib.Path(os.environ.get("TARN_BUILD_DIR", ROOT / "build")) / "tarn"
LETTERS = [chr(c) for c in (*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324))]
VOCAB = {t: i for i, t in enumerate([*LETTERS, "th", "the", "Ġt", "<|endoftext|>"])}
MERGES = ["t h", "th e", "Ġ t"]
ROLES = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token", "image_token"]
TOKENS = ["<a>", "<b>", "<c>", "<d>", "<e>", "the", "[M]", "<s>", "é"]
TEXT = "the<a> <b> the<c>x<d> <e>[M] the <s>é<a><|endoftext|> <b>"


def tarn(*arguments, text=""):
    done = subprocess.run([TARN, *arguments], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write(folder, **files):
    for name, content in files.items():
        if content is not None:
            (folder / f"{name}.json").write_text(json.dumps(content))


def description(tokens):
    model = {"type": "BPE", "vocab": VOCAB, "merges": MERGES}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens, "normalizer": None,
        "pre_tokenizer": byte_level(), "post_processor": None, "decoder": byte_level(), "model": model
    }


def maybe_object(choose, token):
    if choose.random() < 0.6:
        return token
    flags = {name: choose.random() < 0.4 for name in ("lstrip", "rstrip", "single_word", "normalized")}
    return {"__type": "AddedToken", "content": token, **flags}


def random_files(choose):
    config = {"tokenizer_class": "PreTrainedTokenizerFast"}
    listed = [t for t in TOKENS if choose.random() < 0.2]
    tokens = [
        added_token(VOCAB.get(t,
                              len(VOCAB) + sum(u not in VOCAB for u in listed[:i])), t, special=choose.random() < 0.5)
        for i, t in enumerate(listed)
    ]
    for role in ROLES:
        if choose.random() < 0.4:
            config[role] = maybe_object(choose, choose.choice(TOKENS))
    if choose.random() < 0.4:
        config[choose.choice(["additional_special_tokens", "extra_special_tokens"
                              ])] = [maybe_object(choose, t) for t in TOKENS if choose.random() < 0.3]
    if choose.random() < 0.2:
        config["extra_special_tokens"] = {"video_token": "<e>", "thing": "<d>"}
    if choose.random() < 0.4:
        config["added_tokens_decoder"] = {
            str(choose.randrange(400)): {
                "content": t, "special": choose.random() < 0.5, "lstrip": choose.random() < 0.3
            }
            for t in TOKENS if choose.random() < 0.3
        }
    roles = {role: maybe_object(choose, choose.choice(TOKENS)) for role in ROLES if choose.random() < 0.4}
    if choose.random() < 0.2:
        roles["extra_special_tokens"] = {"video_token": "<b>", "image_token": "<d>"}
    return {
        "tokenizer": description(tokens), "tokenizer_config": config,
        "special_tokens_map": roles if choose.random() < 0.4 else None
    }


@pytest.mark.parametrize("seed", [*range(90), 138, 146, 151, 190, 268, 291])
def test_tokens_of_the_configuration(tmp_path, seed):
    files = random_files(random.Random(seed))
    template = "{% for name in ['bos_token', 'eos_token', 'pad_token', 'mask_token', 'image_token', 'video_token'] %}[{{ name }}]{% endfor %}{{ bos_token }}|{{ eos_token }}|{{ pad_token }}|{{ sep_token }}|{{ mask_token }}|{{ image_token }}|{{ thing }}|{{ tools }}"
    files["tokenizer_config"]["chat_template"] = template
    write(tmp_path, **files)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    what = json.dumps({**files, "tokenizer": files["tokenizer"]["added_tokens"]})
    ids = theirs.encode(TEXT, add_special_tokens=False)
    assert json.loads(tarn("tokenize", "--model", tmp_path, "--prompt", TEXT, "--no-special-tokens")) == ids, what
    messages = [{"role": "user", "content": "hi"}]
    assert tarn("template", "--model", tmp_path, "--messages", "-",
                text=json.dumps(messages)) == theirs.apply_chat_template(messages, tokenize=False), what


@pytest.mark.parametrize("where", ["list", "string", "folder", "both"])
@pytest.mark.parametrize("tools", [
    None, [],
    [{
        "type": "function",
        "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}
    }]
])
def test_choice_of_template(tmp_path, where, tools):
    texts = {"default": "plain {{ tools }}", "tool_use": "tools {{ tools | length }}", "rag": "rag"}
    config = {"tokenizer_class": "PreTrainedTokenizerFast"}
    if where != "folder":
        config["chat_template"] = [{"name": n, "template": t, "more": 1}
                                   for n, t in texts.items()] if where != "string" else texts["default"]
    write(tmp_path, tokenizer=description([]), tokenizer_config=config)
    if where in ("folder", "both"):
        (tmp_path / "additional_chat_templates").mkdir()
        (tmp_path / "chat_template.jinja").write_text("file " + texts["default"])
        (tmp_path / "additional_chat_templates" / "tool_use.jinja").write_text("file " + texts["tool_use"])
    messages = [{"role": "user", "content": "hi"}]
    expected = transformers.AutoTokenizer.from_pretrained(tmp_path).apply_chat_template(
        messages, tools=tools, tokenize=False)
    given = ["--vars", json.dumps({"tools": tools})] if tools is not None else []
    assert tarn("template", "--model", tmp_path, "--messages", "-", *given, text=json.dumps(messages)) == expected


@pytest.mark.parametrize(
    "config", [{"tokenizer_class": "GPT2Tokenizer"}, {"tokenizer_class": "GPT2TokenizerFast", "add_prefix_space": True},
               {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<e>"}])
def test_vocabulary_and_merges(tmp_path, config):
    write(tmp_path, vocab=VOCAB, tokenizer_config=config)
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(MERGES) + "\n")
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text in ("the thé 12", TEXT, "e\u0301 the\n\n\n the  x"):
        assert json.loads(tarn("tokenize", "--model", tmp_path, "--prompt", text)) == theirs.encode(text), text
