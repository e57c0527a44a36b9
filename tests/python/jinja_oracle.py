"""Renders templates twice: with Jinja2 set up as Hugging Face transformers does, and with Tarn through ctypes on the
public C API. TARN_LIBRARY names another file than build/libtarn.so."""

import ctypes
import datetime
import functools
import json
import os
import pathlib

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLOCK = 1732342567  # 2024-11-23 06:16:07 UTC


class Generation(jinja2.ext.Extension):
    """{% generation %} marks text and otherwise leaves it alone; its body is that of a call block."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_call"), [], [], body).set_lineno(line)

    def _call(self, caller):
        return caller()


class Namespace(jinja2.utils.Namespace):
    """Refuses names that begin with an underscore."""

    def __init__(*args, **kwargs):
        self, args = args[0], args[1:]
        attributes = dict(*args, **kwargs)
        for name in attributes:
            Namespace._check(name)
        jinja2.utils.Namespace.__init__(self, attributes)

    def __setitem__(self, name, value):
        Namespace._check(name)
        jinja2.utils.Namespace.__setitem__(self, name, value)

    @staticmethod
    def _check(name):
        if isinstance(name, str) and name.startswith("_"):
            raise jinja2.exceptions.SecurityError(name)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def strftime_now(format):
    return datetime.datetime.utcfromtimestamp(CLOCK).strftime(format)


def environment():
    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    made.filters["tojson"] = tojson
    made.globals.update(raise_exception=raise_exception, strftime_now=strftime_now, namespace=Namespace)
    return made


ENVIRONMENT = environment()


@functools.lru_cache(maxsize=100)
def compiled(source):
    return ENVIRONMENT.from_string(source)


def jinja(source, variables):
    """(text, None) or (None, error)."""
    try:
        return compiled(source).render(**variables), None
    except Exception as error:  # anything Python raises is an error of the template
        return None, f"{type(error).__name__}: {error}"


class Options(ctypes.Structure):
    _fields_ = [
        ("begin", ctypes.c_int),
        ("steps", ctypes.c_int64),
        ("output_bytes", ctypes.c_size_t),
        ("memory_bytes", ctypes.c_size_t),
        ("depth", ctypes.c_int),
        ("clock", ctypes.POINTER(ctypes.c_int64)),
        ("end", ctypes.c_int),
    ]


def load():
    library = ctypes.CDLL(os.environ.get("TARN_LIBRARY", str(ROOT / "build" / "libtarn.so")))
    library.tarn_template_parse.restype = ctypes.c_void_p
    library.tarn_template_parse.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p]
    library.tarn_template_free.argtypes = [ctypes.c_void_p]
    library.tarn_template_render_with.restype = ctypes.c_void_p
    library.tarn_template_render_with.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.POINTER(ctypes.c_size_t),
        Options,
    ]
    library.tarn_error.restype = ctypes.c_char_p
    library.tarn_free.argtypes = [ctypes.c_void_p]
    return library


LIBRARY = load()


def failure():
    message = (LIBRARY.tarn_error() or b"no error is set").decode()
    LIBRARY.tarn_clear_error()
    return None, message


def tarn(source, variables, **limits):
    """(text, None) or (None, error)."""
    encoded = source.encode()
    parsed = LIBRARY.tarn_template_parse(encoded, len(encoded), b"chat_template.jinja")
    if not parsed:
        return failure()
    clock, length = ctypes.c_int64(CLOCK), ctypes.c_size_t()
    options = Options(clock=ctypes.pointer(clock), **limits)
    given = json.dumps(variables, ensure_ascii=False).encode()
    result = LIBRARY.tarn_template_render_with(parsed, given, len(given), ctypes.byref(length), options)
    LIBRARY.tarn_template_free(parsed)
    if not result:
        return failure()
    text = ctypes.string_at(result, length.value).decode()
    LIBRARY.tarn_free(result)
    return text, None


def difference(source, variables):
    """None when both give the same text, or both an error; else what they gave."""
    expected, expected_error = jinja(source, variables)
    actual, actual_error = tarn(source, variables)
    if expected == actual:
        return None
    return f"template {source!r}\nvariables {variables!r}\njinja {expected!r} {expected_error}\ntarn  {actual!r} {actual_error}"
