"""Chat templates against Jinja2 in transformers' setting: real templates, single features, random templates."""

import pathlib
import random
import unicodedata

import pytest

pytest.importorskip("jinja2")

import jinja_oracle as oracle
import template_conversations as conversations
import template_generator as generator
import template_snippets as snippets

TEMPLATES = sorted((oracle.ROOT / "tests" / "data" / "templates").rglob("*.jinja"))
TINY = oracle.ROOT / "models" / "tiny" / "chat_template.jinja"


@pytest.mark.parametrize("path", TEMPLATES + [TINY], ids=lambda path: path.stem)
def test_templates(path: pathlib.Path):
    source = path.read_text()
    rendered = 0
    for variables in conversations.variables():
        assert oracle.difference(source, variables) is None
        rendered += oracle.jinja(source, variables)[0] is not None
    assert rendered >= 20


@pytest.mark.parametrize("source", list(snippets.snippets()))
def test_snippets(source):
    assert oracle.difference(source, snippets.VARIABLES) is None


@pytest.mark.parametrize("source,meaning", snippets.DIFFERENT)
def test_refused(source, meaning):
    """What Jinja2 renders and Tarn refuses, on purpose, with a message that says so."""
    text, error = oracle.tarn(source, snippets.VARIABLES)
    assert text is None and meaning in error


@pytest.mark.parametrize("seed", range(40))
def test_random_templates(seed):
    source = random.Random(seed)
    rendered = 0
    for _ in range(50):
        template = generator.template(source)
        if generator.comparable(template, snippets.VARIABLES):
            assert oracle.difference(template, snippets.VARIABLES) is None
            rendered += oracle.jinja(template, snippets.VARIABLES)[0] is not None
    assert rendered >= 5


CHARACTER_METHODS = """upper() lower() title() capitalize() swapcase() isalpha() isalnum() isdigit() isdecimal() isnumeric() isspace()
    isprintable() isupper() islower() istitle()""".split()
# Letters that Unicode 15 calls lower case and Python 3.11's Unicode 14 does not.
NEWLY_LOWER = "\u10fc\ua7f2\ua7f3\ua7f4\uab69"


def test_characters():
    """Case and kind of every 11th character and of all below U+2200, among those that Python's Unicode knows."""
    every = (c for c in range(0x110000) if c < 0x2200 or c % 11 == 0)
    some = [chr(c) for c in every if unicodedata.category(chr(c)) not in ("Cn", "Cs") and chr(c) not in NEWLY_LOWER]
    calls = " ".join("{{ c.%s }}" % method for method in CHARACTER_METHODS)
    source = "{% for c in l %}" + calls + "{{ [c] }}{{ c | tojson(true) }}{{ (c ~ 'a') | title }}{{ c is lower }};{% endfor %}"
    assert oracle.jinja(source, {"l": some})[0].split(";") == oracle.tarn(source, {"l": some})[0].split(";")


def test_error_message_of_raise_exception():
    text, error = oracle.tarn("a\n{{ raise_exception('Only user and assistant roles') }}", {})
    assert text is None
    assert error == "chat_template.jinja:2:19: Only user and assistant roles"


def test_limits():
    assert oracle.tarn("{% for i in range(1000) %}{{ i }}{% endfor %}", {},
                       steps=500)[1].endswith("takes too many steps")
    assert "exceeds 10 bytes" in oracle.tarn("{% for i in range(1000) %}{{ i }}{% endfor %}", {}, output_bytes=10)[1]
