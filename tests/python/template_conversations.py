"""Conversations of every shape a chat template meets, good and odd."""

import itertools

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Gets the weather; says \"°C\" & <more>.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": " The city, e.g. Zürich "},
                "days": {"type": ["integer", "null"], "description": "How many"},
                "units": {"type": "array", "items": {"type": "string"}, "description": "Units"},
                "extra": {"type": "object", "additionalProperties": {"type": "number"}, "description": "Extra"},
                "odd": {"type": "date", "description": "Any"},
            },
            "required": ["city"],
        },
        "return": {"type": "object", "description": "The report"},
    },
}
CLOCK = {"name": "now", "description": "Time", "parameters": {"type": "object", "properties": {}}}


def message(role, content, **more):
    return {"role": role, "content": content, **more}


CALL = {
    "type": "function",
    "function": {"name": "get_weather", "arguments": {"city": "Zürich", "days": 2, "f": 1.5, "n": None}}
}
CALL_TEXT = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"x\"}"}}

CONVERSATIONS = [[], [message("user", "hi")], [message("user", "")], [message("user", "  spaces \n\n")],
                 [message("user", "line\nbreaks\r\nand\ttabs \\n {{ x }} {% if %} <|im_end|>")],
                 [message("user", "Grüße 😀 日本語 \u0301 \u200b \x00 \x1f")],
                 [message("system", "Be brief."), message("user", "hi")],
                 [message("system", ""), message("user", "hi")],
                 [message("system", " trimmed \n"), message("user", " me too ")], [message("system", "only")],
                 [message("user", "a"), message("assistant", "b"),
                  message("user", "c")],
                 [
                     message("system", "s"),
                     message("user", "a"),
                     message("assistant", "b"),
                     message("user", "c"),
                     message("assistant", " d ")
                 ], [message("assistant", "first")], [message("user", "a"), message("user", "b")],
                 [message("user", "a"), message("assistant", "b"),
                  message("assistant", "c")], [message("user", "a"),
                                               message("system", "late"),
                                               message("user", "c")],
                 [message("user", "w?"),
                  message("assistant", "", tool_calls=[CALL]),
                  message("tool", "{\"t\": 20}")],
                 [
                     message("user", "w?"),
                     message("assistant", None, tool_calls=[CALL]),
                     message("tool", "20"),
                     message("user", "thanks")
                 ],
                 [
                     message("user", "w?"),
                     message("assistant", "Let me see.", tool_calls=[CALL, CALL_TEXT]),
                     message("tool", "1"),
                     message("tool", "2")
                 ],
                 [
                     message("user", "w?"), {"role": "assistant", "tool_calls": [CALL["function"]]},
                     message("tool", {"t": [1, 2.5, None, True]})
                 ], [message("user", "w?"),
                     message("assistant", "", tool_calls=[]),
                     message("user", "x")],
                 [
                     message("user", "w?"),
                     message("assistant", "x", tool_calls=[{"name": "f"}]),
                     message("tool", ["a", "b"]),
                     message("assistant", "done")
                 ], [message("tool", "result first")], [message("ipython", "out")], [message("user", None)],
                 [{"role": "user"}], [{"content": "no role"}], [{}], [message("user", 5)],
                 [message("user", ["list", "content"])],
                 [message("user", [{"type": "text", "text": "part"}, {"type": "image"}])],
                 [message("custom", "role"), message("", "empty")], ["a string"], [None],
                 [message("user", "q"),
                  message("assistant", "<think>\nhm\n</think>\n\nanswer"),
                  message("user", "r")],
                 [
                     message("user", "q"),
                     message("assistant", "answer", reasoning_content="because"),
                     message("user", "r")
                 ], [message("user", str(i)) if i % 2 == 0 else message("assistant", str(i)) for i in range(40)],]

TOOLS = [None, [], [WEATHER], [WEATHER, CLOCK], [CLOCK["parameters"]]]
SETTINGS = [
    {"add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>"},
    {"add_generation_prompt": False, "bos_token": "<|begin|>", "eos_token": "</s>", "date_string": "1 Jan 2025"},
    {"tools_in_user_message": False, "enable_thinking": False, "bos_token": ""},
]


def variables():
    for messages, tools, settings in itertools.product(CONVERSATIONS, TOOLS, SETTINGS):
        given = {"messages": messages, **settings}
        if tools is not None:
            given["tools"] = tools
        yield given
