"""mlx-lm's server through tarn.mlx: what it answers to requests is what it answers on real mlx, one after the other, at once, streamed, and refused. TARN_LONG=1: also with a quantized cache and with a draft model."""

import http.client
import json
import os
import socket
import threading
import time

import pytest

pytest.importorskip("mlx.core")
pytest.importorskip("mlx_lm")
pytest.importorskip("tarn")

from mlx_lm_sides import SIDES, float_copy, start  # noqa: E402

STORY = {"prompt": "Once upon a time", "max_tokens": 12}
CHAT = {"messages": [{"role": "user", "content": "Tell me a story."}], "max_tokens": 12}
ANSWER = [*CHAT["messages"], {"role": "assistant", "content": "Once there was a fox."}, {"role": "user", "content": "And then?"}]
TOOL = {"type": "function", "function": {"name": "weather", "description": "Of a place", "parameters": {"type": "object", "properties": {"place": {"type": "string"}}}}}
REQUESTS = {
    "completion": ("/v1/completions", STORY),
    "chat": ("/v1/chat/completions", CHAT),
    "chat, short path": ("/chat/completions", CHAT),
    "parts": ("/v1/chat/completions", CHAT | {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hello!"}]}]}),
    "goes on": ("/v1/chat/completions", CHAT | {"messages": ANSWER}),
    "again": ("/v1/chat/completions", CHAT | {"messages": ANSWER}),
    "logprobs": ("/v1/completions", STORY | {"logprobs": True, "top_logprobs": 3}),
    "stop": ("/v1/completions", STORY | {"stop": ["."], "max_tokens": 60}),
    "stops": ("/v1/completions", STORY | {"stop": [" the", ","]}),
    "biased": ("/v1/completions", STORY | {"logit_bias": {"300": 20.0}, "max_tokens": 3}),
    "penalties": ("/v1/completions", STORY | {"repetition_penalty": 1.3, "presence_penalty": 0.5, "frequency_penalty": 0.2}),
    "drawn": ("/v1/completions", STORY | {"temperature": 0.8, "top_p": 0.9, "top_k": 30, "min_p": 0.01, "seed": 5}),
    "xtc": ("/v1/completions", STORY | {"temperature": 1, "xtc_probability": 0.5, "xtc_threshold": 0.05, "seed": 5}),
    "stream": ("/v1/completions", STORY | {"stream": True}),
    "stream of a chat": ("/v1/chat/completions", CHAT | {"stream": True, "stream_options": {"include_usage": True}}),
    "stream of tokens": ("/v1/completions", STORY | {"stream": True, "logprobs": True, "top_logprobs": 2}),
    "completion tokens": ("/v1/chat/completions", CHAT | {"max_completion_tokens": 5}),
    "tools": ("/v1/chat/completions", CHAT | {"tools": [TOOL]}),
    "template": ("/v1/chat/completions", CHAT | {"chat_template_kwargs": {"enable_thinking": False}}),
    "roles": ("/v1/chat/completions", CHAT | {"role_mapping": {"user": "You: ", "assistant": "Fox: "}}),
    "near penalties": ("/v1/completions", STORY | {"repetition_penalty": 1.5, "repetition_context_size": 2, "presence_penalty": 1.0, "presence_context_size": 3,
                                                  "frequency_penalty": 0.5, "frequency_context_size": 4}),
    "all tokens": ("/v1/completions", STORY | {"temperature": 0.1, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "seed": 7}),
    "draft": ("/v1/completions", STORY | {"draft_model": "f32", "num_draft_tokens": 2}),
    "default model": ("/v1/completions", STORY | {"model": "default_model"}),
    "empty prompt": ("/v1/completions", STORY | {"prompt": ""}),
    "no stop": ("/v1/completions", STORY | {"stop": ""}),
    "no adapter": ("/v1/completions", STORY | {"adapters": "/nowhere"}),
    "too many logprobs": ("/v1/completions", STORY | {"logprobs": True, "top_logprobs": 12}),
    "no seed": ("/v1/completions", STORY | {"seed": "x"}),
    "xtc above one": ("/v1/completions", STORY | {"xtc_probability": 2.0}),
    "stop of a number": ("/v1/completions", STORY | {"stop": 5}),
    "no content": ("/v1/chat/completions", CHAT | {"messages": [{"role": "user"}]}),
    "no role": ("/v1/chat/completions", CHAT | {"messages": [{"content": "Hello!"}]}),
    "another role": ("/v1/chat/completions", CHAT | {"messages": [{"role": "fox", "content": "Hello!"}]}),
    "prompt of numbers": ("/v1/completions", STORY | {"prompt": [1, 2, 3]}),
    "no prompt": ("/v1/completions", {"max_tokens": 3}),
    "no messages": ("/v1/chat/completions", {"max_tokens": 3}),
    "no tokens": ("/v1/completions", STORY | {"max_tokens": 0}),
    "cold": ("/v1/completions", STORY | {"temperature": -1}),
    "no number": ("/v1/completions", STORY | {"top_p": "much"}),
    "bad bias": ("/v1/completions", STORY | {"logit_bias": {"fox": "x"}}),
    "no model": ("/v1/completions", STORY | {"model": "/nowhere"}),
    "list": ("/v1/completions", [1, 2]),
    "no JSON": ("/v1/completions", "{"),
    "another path": ("/v1/nothing", STORY),
}  # fmt: skip


def asked(port, method, path, body=None):
    """Status and text of an answer; none where the server gives up on a request and closes the connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    data = body if body is None or isinstance(body, str) else json.dumps(body)
    connection.request(method, path, data, {"Content-Type": "application/json"})
    try:
        response = connection.getresponse()
    except http.client.RemoteDisconnected:
        return 0, ""
    return response.status, response.read().decode()


def without_names(value):
    """Of an answer what does not depend on when, where and by whom it was made; the likeliest tokens in order, which
    come from a partition: which of them is the first, and counts as the token, is left open."""
    if isinstance(value, dict) and "top_logprobs" in value:
        return sorted((one["logprob"], one["token"]) for one in value["top_logprobs"])
    if isinstance(value, dict):
        return {k: without_names(v) for k, v in value.items() if k not in ("id", "created", "system_fingerprint")}
    if isinstance(value, list):
        return [without_names(v) for v in value]
    return value


def alike(a, b):
    """The same, numbers nearly."""
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 1e-3 * max(1, abs(b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(alike, a, b))
    return a == b


def events(text):
    """Chunks as they happen to come are one text: how many there are depends on when the server looks."""
    chunks = [without_names(json.loads(line[6:])) for line in text.split("\n") if line.startswith("data: {")]
    told = "".join(c["choices"][0].get("text") or c["choices"][0].get("delta", {}).get("content") or "" for c in chunks if c["choices"])
    return [told, [c["choices"][0]["finish_reason"] for c in chunks if c["choices"]][-1], chunks[-1].get("usage"), text.rstrip().endswith("[DONE]")]


def told(status, text):
    if text.startswith(("data:", ": keepalive")):
        return status, events(text)
    try:
        return status, without_names(json.loads(text))
    except json.JSONDecodeError:
        return status, text.splitlines()[:1]


def wait_for(port, process):
    end = time.monotonic() + 600
    while time.monotonic() < end:
        try:
            return asked(port, "GET", "/health")
        except OSError:
            assert process.poll() is None, process.communicate()[0][-3000:]
            time.sleep(0.1)
    raise TimeoutError("the server does not answer")


def at_once(port):
    """Five requests of different lengths that the server puts into one batch, or does not."""
    answers = {}

    def ask(n):
        body = {"prompt": ["Once", "The fox said", "One rainy day, a girl", "Mia", "A bear"][n], "max_tokens": 6 + 4 * n}
        answers[n] = told(*asked(port, "POST", "/v1/completions", body))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return [answers[n] for n in sorted(answers)]


def answers(side, folder, *options):
    with socket.socket() as held:  # bound but not listening, so that the server may bind to the port and nobody else is given it
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        process = start(side, folder, "-m", "mlx_lm", "server", "--model", "f32", "--port", port, "--log-level", "ERROR", *options)
        try:
            wait_for(port, process)
            found = {name: told(*asked(port, "POST", path, body)) for name, (path, body) in REQUESTS.items()}
            found["health"] = told(*asked(port, "GET", "/health"))
            found["options"] = asked(port, "OPTIONS", "/v1/completions")[0]
            found["nowhere"] = told(*asked(port, "GET", "/nothing"))
            found["models"] = told(*asked(port, "GET", "/v1/models"))
            found["at once"] = at_once(port)
            return found
        finally:
            process.terminate()
            process.communicate(timeout=600)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    float_copy(folder)
    return folder


@pytest.mark.parametrize("options", [[], ["--kv-bits", "8"], ["--draft-model", "f32"]], ids=["batches", "quantized cache", "draft"])
def test_answers(folder, options):
    if options and "TARN_LONG" not in os.environ:
        pytest.skip("TARN_LONG=1")
    theirs, ours = (answers(side, folder / side, *options) for side in SIDES)
    for name in theirs:
        assert alike(ours[name], theirs[name]), f"{name}:\n{str(ours[name])[:800]}\n{str(theirs[name])[:800]}"
    assert ours["completion"][0] == 200 and ours["no prompt"][0] == 400
