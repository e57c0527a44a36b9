"""What the headers say of right and of wrong uses, from C and from C++: a bare number where an option needs TARN_VALUE,
TARN_AXIS or a list, and an option without its name, must not compile in silence."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TARN_BUILD_DIR", ROOT / "build"))
PATHS = [f"-I{ROOT}/include", f"-I{BUILD}/include", "-fsyntax-only"]
STRICT = ["-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Woverride-init", "-Werror"]
RIGHT = """
tarn_array *use(tarn_array *x, const int64_t *axes, int64_t count) {
    TARN_SCOPE; TARN_SCOPE;
    TARN_ON(NULL);
    { TARN_ON(NULL); }
    tarn_eval(tarn_sum(x), tarn_softmax(x, .axes = {axes, count}));
    x = tarn_sum(x, .axes = TARN_AXES(-1), .keepdims = true);
    x = tarn_sort(tarn_argmax(x), .axis = TARN_AXIS(0));
    int32_t *ids;
    size_t length;
    tarn_tokenizer_encode(NULL, "x", 1, &ids, &length, .add_special_tokens = true);
    tarn_free(tarn_tokenizer_decode(NULL, ids, 1, NULL));
    tarn_token_stream_free(tarn_token_stream_new(NULL, .skip_special_tokens = true));
    tarn_free(tarn_template_render(NULL, "{}", 2, &length, .depth = 100));
    tarn_free(tarn_template_variables(NULL, "[]", .add_generation_prompt = true));
    tarn_session_sync(NULL, ids, length);
    x = tarn_index(x, TARN_INDEX(TARN_AT(0), TARN_ELLIPSIS, TARN_STEPS(0, TARN_END, 2), TARN_NEW_AXIS, TARN_PICK(x)), .check = true);
    x = tarn_index_update(x, TARN_INDEX(TARN_WHOLE, TARN_BACKWARDS), x, .mode = TARN_SCATTER_ADD, .size = TARN_INTEGER(0));
    tarn_free(tarn_format(x, .precision = TARN_INTEGER(0)));
    return tarn_rms_norm(tarn_concatenate(TARN_ARRAYS(x, x), 2), NULL, .eps = TARN_VALUE(0));
}
"""
WRONG = [
    "tarn_sum(x, 0)", "tarn_sum(x, 1)", "tarn_sum(x, .axes = -1)", "tarn_rms_norm(x, x, .eps = 1e-3)",
    "tarn_sort(x, .axis = 1)", "tarn_sort(x, 1)", "tarn_argmax(x, -1, true)",
    "tarn_random_uniform(x, TARN_SHAPE(2), TARN_FLOAT32, .low = -1.0)", "tarn_session_sync(NULL, NULL, 0, NULL)",
    "tarn_tokenizer_decode(NULL, NULL, 0, NULL, true)", "tarn_template_variables(NULL, NULL, true)",
    "tarn_index(x, TARN_INDEX(TARN_AT(0)), .size = 3)"
]
CXX = """
#include <tarn/tarn.h>
static bool loss(void *, tarn_array *const *in, int, tarn_results *results) {
    return tarn_result(results, tarn_sum(tarn_square(in[0])));
}
double use(const float *data) {
    TARN_SCOPE;
    tarn_array *x = tarn_from_data(data, TARN_SHAPE(2), TARN_FLOAT32);
    auto options = tarn_reduce_options{};
    options.keepdims = true;
    tarn_eval(tarn_sum(x, options), tarn_sort(x));
    tarn_encode_options with{};
    with.add_special_tokens = true;
    tarn_tokenizer_encode(nullptr, "x", 1, nullptr, nullptr, with);
    tarn_free(tarn_template_variables(nullptr, "[]"));
    x = tarn_index(x, TARN_INDEX(TARN_AT(0), TARN_ELLIPSIS, TARN_SPAN(1, TARN_END), TARN_NEW_AXIS, TARN_PICK(x)));
    x = tarn_index_update(x, TARN_INDEX(TARN_WHOLE), tarn_tile(x, TARN_SHAPE(2)));
    tarn_print(x, nullptr);
#if __cplusplus >= 202002L
    tarn_sum(x, {.axes = TARN_AXES(-1), .keepdims = true});
    tarn_sort(x, {.axis = TARN_AXIS(0)});
#endif
    return tarn_item(tarn_results_at(tarn_grad(TARN_FUNCTION(loss, nullptr), &x, 1), 0));
}
"""


def compiled(compiler, flags, text, path):
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler}")
    path.write_text(text)
    return subprocess.run([compiler, *flags, *PATHS, path], capture_output=True, text=True)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_right(compiler, tmp_path):
    result = compiled(compiler, STRICT,
                      "#include <tarn/tarn.h>\ntarn_array *use(tarn_array *, const int64_t *, int64_t);" + RIGHT,
                      tmp_path / "right.c")
    assert result.returncode == 0 and not result.stderr, result.stderr


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("expression", WRONG)
def test_wrong(compiler, expression, tmp_path):
    text = f"#include <tarn/tarn.h>\nvoid use(tarn_array *x);\nvoid use(tarn_array *x) {{ (void)x; (void){expression}; }}\n"
    result = compiled(compiler, ["-std=c17"], text, tmp_path / "wrong.c")
    assert "warning:" in result.stderr or "error:" in result.stderr


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
@pytest.mark.parametrize("standard", ["c++17", "c++20"])
def test_cxx(compiler, standard, tmp_path):
    result = compiled(compiler, [f"-std={standard}", "-Wall", "-Werror"], CXX, tmp_path / "use.cc")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_functions_have_the_names_of_c_in_cxx(compiler, tmp_path):
    headers = [*(ROOT / "include/tarn").glob("*.h"), BUILD / "include/tarn/elementwise.h"]
    declared = [text for header in headers for text in re.findall(r"^TARN_API [^;]*;", header.read_text(), re.M)]
    names = sorted({name for text in declared for name in re.findall(r"\b(tarn_\w+)\(", text)[:1]})
    assert "tarn_device_kernel" in names and "tarn_sum_with" in names
    again = "".join(f'extern "C" decltype({name}) {name};\n' for name in names)  # an error where C++ named it
    result = compiled(compiler, ["-std=c++17", "-fpermissive", "-w"], "#include <tarn/tarn.h>\n" + again, tmp_path / "names.cc")
    assert result.returncode == 0, result.stderr
