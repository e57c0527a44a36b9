"""ctypes over the tokenizer part of libtarn.so; TARN_LIBRARY names another file than build/libtarn.so."""
import ctypes
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = pathlib.Path(os.environ.get("TARN_LIBRARY", ROOT / "build" / "libtarn.so"))


class TokenizerError(Exception):
    pass


class Options(ctypes.Structure):
    """tarn_encode_options and tarn_decode_options: each has one."""

    _fields_ = [("begin", ctypes.c_int), ("given", ctypes.c_bool), ("end", ctypes.c_int)]


def open_library():
    lib = ctypes.CDLL(str(LIBRARY))
    size = ctypes.POINTER(ctypes.c_size_t)
    ids = ctypes.POINTER(ctypes.c_int32)
    pointer = ctypes.c_void_p
    signatures = {
        "tarn_error": (ctypes.c_char_p, []), "tarn_clear_error": (None, []), "tarn_free": (None, [pointer]),
        "tarn_tokenizer_load": (pointer, [ctypes.c_char_p]),
        "tarn_tokenizer_from_json": (pointer, [ctypes.c_char_p, ctypes.c_size_t,
                                               ctypes.c_char_p]), "tarn_tokenizer_free": (None, [pointer]),
        "tarn_tokenizer_encode_with": (ctypes.c_bool,
                                       [pointer, ctypes.c_char_p, ctypes.c_size_t,
                                        ctypes.POINTER(ids), size, Options]),
        "tarn_tokenizer_decode_with": (pointer, [pointer, ids, ctypes.c_size_t, size,
                                                 Options]), "tarn_token_stream_new_with": (pointer, [pointer, Options]),
        "tarn_token_stream_push": (pointer, [pointer, ctypes.c_int32,
                                             size]), "tarn_token_stream_finish": (pointer, [pointer, size]),
        "tarn_token_stream_free": (None, [pointer]), "tarn_tokenizer_vocab_size": (ctypes.c_size_t, [pointer]),
        "tarn_tokenizer_token_id": (ctypes.c_int32, [pointer, ctypes.c_char_p, ctypes.c_size_t]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


class Tokenizer:
    """A tokenizer of the C library, from the bytes of a tokenizer.json or from a folder."""

    library = None

    def __init__(self, source):
        if Tokenizer.library is None:
            Tokenizer.library = open_library()
        lib = self.library
        if isinstance(source, bytes):
            self.handle = lib.tarn_tokenizer_from_json(source, len(source), b"tokenizer.json")
        else:
            self.handle = lib.tarn_tokenizer_load(os.fsencode(source))
        self.check(self.handle)

    def check(self, good):
        if good:
            return
        message = self.library.tarn_error().decode(errors="replace")
        self.library.tarn_clear_error()
        raise TokenizerError(message)

    def encode(self, text, add_special_tokens=True):
        data = text if isinstance(text, bytes) else text.encode()
        ids, count = ctypes.POINTER(ctypes.c_int32)(), ctypes.c_size_t()
        options = Options(given=add_special_tokens)
        good = self.library.tarn_tokenizer_encode_with(self.handle, data, len(data), ctypes.byref(ids),
                                                       ctypes.byref(count), options)
        self.check(good)
        result = ids[: count.value]
        self.library.tarn_free(ids)
        return result

    def decode(self, ids, skip_special_tokens=True):
        length = ctypes.c_size_t()
        array = (ctypes.c_int32 * len(ids))(*ids)
        block = self.library.tarn_tokenizer_decode_with(self.handle, array, len(ids), ctypes.byref(length),
                                                        Options(given=skip_special_tokens))
        self.check(block)
        result = ctypes.string_at(block, length.value)
        self.library.tarn_free(block)
        return result.decode()

    def stream(self, ids, skip_special_tokens=True):
        """The parts that a stream returns, each whole UTF-8, the last one from finish."""
        lib, parts, length = self.library, [], ctypes.c_size_t()
        stream = lib.tarn_token_stream_new_with(self.handle, Options(given=skip_special_tokens))
        self.check(stream)
        try:
            for token in ids:
                block = lib.tarn_token_stream_push(stream, token, ctypes.byref(length))
                self.check(block)
                parts.append(ctypes.string_at(block, length.value).decode())
            block = lib.tarn_token_stream_finish(stream, ctypes.byref(length))
            self.check(block)
            parts.append(ctypes.string_at(block, length.value).decode())
        finally:
            lib.tarn_token_stream_free(stream)
        return parts

    def __del__(self):
        if getattr(self, "handle", None):
            self.library.tarn_tokenizer_free(self.handle)
