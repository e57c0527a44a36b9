/* Broken files of functions: each is an error, and nothing is lost. */
#include "base/memory.h"
#include "check.h"
#include "core/array.h"
#include "export/function_file.h"
#include "exported.h"

/* ---- a good file */

static bool call_small(void *context, tarn_array *const *x, int count, tarn_results *results) {
    tarn_array *parts[2];
    (void)count;
    return tarn_split(tarn_rms_norm(tarn_matmul(x[0], context), x[1]), 2, parts) && tarn_result(results, parts[1]) &&
           tarn_result(results, tarn_sum(parts[0], .axes = TARN_AXES(-1)));
}

static unsigned char file[16384];
static size_t file_length;

static void make_file(void) {
    TARN_SCOPE;
    tarn_array *in[] = {tarn_ones(TARN_SHAPE(2, 3), TARN_FLOAT32), tarn_ones(TARN_SHAPE(4), TARN_FLOAT32)};
    tarn_function f = TARN_FUNCTION(call_small, tarn_ones(TARN_SHAPE(3, 4), TARN_FLOAT32));
    CHECK(tarn_export_function(export_path(), f, in, 2, .names = (const char *const[]){"weight"}, .name_count = 1));
    FILE *from = fopen(export_path(), "rb");
    file_length = from ? fread(file, 1, sizeof file, from) : 0;
    if (from) fclose(from);
    CHECK(file_length > 100 && file_length < sizeof file);
}

/* ---- bytes that are not as they were written */

/* Whether bytes are imported; if not, the error must say something. */
static bool imports(const unsigned char *bytes, size_t length) {
    FILE *to = fopen(export_path(), "wb");
    CHECK(to && fwrite(bytes, 1, length, to) == length);
    if (to) fclose(to);
    tarn_imported_function *f = tarn_import_function(export_path());
    bool good = f != NULL;
    CHECK(good == tarn_ok());
    tarn_imported_free(f);
    tarn_clear_error();
    return good;
}

static void test_truncated(void) {
    CHECK(imports(file, file_length));
    for (size_t length = 0; length < file_length; length++) CHECK(!imports(file, length));
    CHECK(!imports(file, file_length + 1));
}

/* Where the values of captured arrays begin: what is in them no file can tell. */
static size_t data_begins(void) {
    size_t length = 0;
    for (int i = 7; i >= 0; i--) length = length << 8 | file[i];
    return 8 + length;
}

/* In the padding a flipped bit makes the header no JSON. */
static void test_flipped(void) {
    for (size_t i = 0; i < data_begins(); i++)
        for (int bit = 0; bit < 8; bit++) {
            file[i] ^= (unsigned char)(1 << bit);
            bool good = imports(file, file_length);
            file[i] ^= (unsigned char)(1 << bit);
            if (good)
                fprintf(stderr, "bit %d of byte %zu may be flipped: %.40s\n", bit, i, file + (i < 20 ? 0 : i - 20));
            CHECK(!good);
        }
}

/* ---- graphs that somebody else wrote */

#define INPUT  "{\"dtype\":\"float32\",\"shape\":[2,3]}"
#define OUTPUT "{\"value\":1,\"dtype\":\"float32\",\"shape\":[2,3]}"
#define NEGATE "{\"op\":\"negative\",\"inputs\":[0]}"
#define GRAPH(inputs, captured, steps, outputs)                                                                        \
    "{\"signatures\":[{\"inputs\":[" inputs "],\"captured\":[" captured "],\"steps\":[" steps                          \
    "],\"outputs\":[" outputs "]}],\"captured\":[{\"dtype\":\"int32\",\"shape\":[4]}]}"
#define STEPS(steps) GRAPH(INPUT, "", steps, "")
#define STEP(rest)   STEPS("{" rest "}")
#define INPUTS(in)   GRAPH(in, "", "", "")
#define OUTPUTS(out) GRAPH(INPUT, "", NEGATE, out)

static const struct {
    const char *graph, *words;
} graphs[] = {
    {"", "unexpected token"},
    {"[]", "an object was expected"},
    {"{}", "'captured' is missing"},
    {"{\"captured\":[],\"signatures\":[]}", "0 captured arrays, but the file has 1"},
    {"{\"captured\":[{\"dtype\":\"int32\",\"shape\":[4]}],\"signatures\":{}}", "'signatures' is missing or no list"},
    {"{\"captured\":[{\"dtype\":\"int32\",\"shape\":[4]}],\"signatures\":[],\"more\":1}", "unknown member 'more'"},
    {"{\"captured\":[{\"dtype\":\"int32\",\"shape\":[5]}],\"signatures\":[]}", "of another dtype or shape"},
    {"{\"captured\":[{\"dtype\":\"float32\",\"shape\":[4]}],\"signatures\":[]}", "of another dtype or shape"},
    {"{\"captured\":[{\"dtype\":\"int32\",\"shape\":[4]}],\"signatures\":[{}]}", "'inputs' is missing"},
    /* inputs */
    {INPUTS("{\"dtype\":\"int33\",\"shape\":[]}"), "no dtype 'int33'"},
    {INPUTS("{\"dtype\":3,\"shape\":[]}"), "no dtype ''"},
    {INPUTS("{\"dtype\":\"int32\"}"), "'shape' is missing"},
    {INPUTS("{\"dtype\":\"int32\",\"shape\":[-1]}"), "a size is no whole number from 0"},
    {INPUTS("{\"dtype\":\"int32\",\"shape\":[1.5]}"), "a size is no whole number from 0"},
    {INPUTS("{\"dtype\":\"int32\",\"shape\":[9223372036854775807]}"), "a shape that no array can have"},
    {INPUTS("{\"dtype\":\"int32\",\"shape\":[9223372036854775808]}"), "an integer of more than 64 bits"},
    {INPUTS("{\"dtype\":\"int32\",\"shape\":[0,4294967296,4294967296]}"), "a shape that no array can have"},
    {INPUTS("{\"dtype\":\"int32\",\"shape\":[4294967296,4294967296,2]}"), "a shape that no array can have"},
    {INPUTS("{\"dtype\":\"int32\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1]}"), "13 axes, more than 12"},
    {INPUTS("{\"name\":3,\"dtype\":\"int32\",\"shape\":[]}"), "is no text"},
    {INPUTS("{\"name\":\"a\\u0000b\",\"dtype\":\"int32\",\"shape\":[]}"), "is no text"},
    {INPUTS("{\"name\":\"a\",\"dtype\":\"int32\",\"shape\":[]},{\"name\":\"a\",\"dtype\":\"int32\",\"shape\":[]}"),
     "two inputs named 'a'"},
    {INPUTS("{\"name\":\"a\",\"dtype\":\"int32\",\"shape\":[]}," INPUT), "without a name after one with"},
    {INPUTS("{\"dtype\":\"int32\",\"shape\":[2],\"any\":[1]}"), "an axis is no whole number from 0 to 0"},
    {INPUTS("{\"dtype\":\"int32\",\"shape\":[2],\"any\":0}"), "'any' is no list"},
    /* captured arrays */
    {GRAPH(INPUT, "1", "", ""), "a captured array is no whole number from 0 to 0"},
    {GRAPH(INPUT, "-1", "", ""), "a captured array is no whole number from 0 to 0"},
    {GRAPH(INPUT, "null", "", ""), "a captured array is no whole number"},
    /* steps */
    {STEPS("3"), "an object was expected"},
    {STEP("\"inputs\":[0]"), "it has no 'op'"},
    {STEP("\"op\":\"frobnicate\",\"inputs\":[0]"), "step 0: this version of Tarn has no operation 'frobnicate'"},
    {STEP("\"op\":\"data\",\"inputs\":[]"), "the operation 'data' cannot be in a file"},
    {STEP("\"op\":\"argument\",\"inputs\":[]"), "the operation 'argument' cannot be in a file"},
    {STEP("\"op\":\"custom\",\"inputs\":[0]"), "the operation 'custom' cannot be in a file"},
    {STEP("\"op\":\"test_effect\",\"inputs\":[0]"), "the operation 'test_effect' cannot be in a file"},
    {STEP("\"op\":\"negative\""), "'inputs' is missing"},
    {STEP("\"op\":\"negative\",\"inputs\":[1]"), "a value that is made before, is no whole number from -1 to 0"},
    {STEP("\"op\":\"negative\",\"inputs\":[-2]"), "a value that is made before"},
    {STEPS("{\"op\":\"negative\",\"inputs\":[2]}," NEGATE),
     "step 0: an input, a value that is made before"}, /* a cycle */
    {STEP("\"op\":\"negative\",\"inputs\":[-1]"), "negative: input 0 is NULL"},
    {STEP("\"op\":\"negative\",\"inputs\":[]"), "negative: 0 inputs given"},
    {STEP("\"op\":\"negative\",\"inputs\":[0,0]"), "negative: 2 inputs given"},
    {STEP("\"op\":\"negative\",\"inputs\":[0],\"outputs\":2"), "negative: 1 outputs, where 2 were recorded"},
    {STEP("\"op\":\"negative\",\"inputs\":[0],\"outputs\":0"), "negative: 1 outputs, where 0 were recorded"},
    {STEP("\"op\":\"negative\",\"inputs\":[0],\"outputs\":2147483648"), "'outputs' is no whole number"},
    {STEP("\"op\":\"negative\",\"inputs\":[0],\"speed\":2"), "unknown member 'speed'"},
    {STEP("\"op\":\"negative\",\"inputs\":[0],\"attributes\":[]"), "'attributes' is no object"},
    {STEP("\"op\":\"negative\",\"inputs\":[0],\"attributes\":{\"a\":1}"), "negative has no attributes"},
    {STEP("\"op\":\"sort\",\"inputs\":[0],\"attributes\":{\"way\":1}"), "step 0: sort has no attribute 'way' here"},
    {STEP("\"op\":\"sort\",\"inputs\":[0],\"attributes\":{\"axis\":1.5}"), "the attribute 'axis' of sort has a value"},
    {STEP("\"op\":\"sort\",\"inputs\":[0],\"attributes\":{\"axis\":2}"), "sort: axis 2 of an array of 2 axes"},
    {STEP("\"op\":\"sort\",\"inputs\":[0],\"attributes\":{\"axis\":9223372036854775807}"),
     "sort: axis 9223372036854775807"},
    {STEP("\"op\":\"astype\",\"inputs\":[0],\"attributes\":{\"dtype\":\"int33\"}"), "the attribute 'dtype' of astype"},
    {STEP("\"op\":\"reduce\",\"inputs\":[0],\"attributes\":{\"kind\":\"most\"}"), "the attribute 'kind' of reduce"},
    {STEP("\"op\":\"reduce\",\"inputs\":[0],\"attributes\":{\"keepdims\":1}"), "the attribute 'keepdims' of reduce"},
    {STEP("\"op\":\"reduce\",\"inputs\":[0],\"attributes\":{\"axes\":3}"), "the attribute 'axes' of reduce"},
    {STEP("\"op\":\"reduce\",\"inputs\":[0],\"attributes\":{\"axes\":[0,\"1\"]}"), "the attribute 'axes' of reduce"},
    {STEP("\"op\":\"reshape\",\"inputs\":[0],\"attributes\":{\"shape\":[4294967296,4294967296]}"), "reshape: "},
    {STEP("\"op\":\"arange\",\"inputs\":[],\"attributes\":{\"start\":\"a\"}"), "the attribute 'start' of arange"},
    {STEP("\"op\":\"split\",\"inputs\":[0],\"attributes\":{\"sections\":0}"), "split: "},
    /* outputs */
    {OUTPUTS("{\"value\":2,\"dtype\":\"float32\",\"shape\":[2,3]}"), "'value' is no whole number from 0 to 1"},
    {OUTPUTS("{\"value\":-1,\"dtype\":\"float32\",\"shape\":[2,3]}"), "'value' is no whole number from 0 to 1"},
    {OUTPUTS("{\"dtype\":\"float32\",\"shape\":[2,3]}"), "'value' is no whole number"},
    {OUTPUTS("{\"value\":1,\"dtype\":\"float32\",\"shape\":[3,2]}"), "value 1 is of another dtype or shape"},
    {OUTPUTS("{\"value\":1,\"dtype\":\"int32\",\"shape\":[2,3]}"), "value 1 is of another dtype or shape"},
};

static bool reads(const char *graph) {
    function_file f;
    tarn_array *captured = tarn_zeros(TARN_SHAPE(4), TARN_INT32);
    bool ok = function_file_init(&f, "broken.tarn", NULL) && function_file_read(&f, graph, strlen(graph), &captured, 1);
    function_file_free(&f);
    return ok;
}

static void test_graphs(void) {
    TARN_SCOPE;
    CHECK(reads(GRAPH(INPUT, "", NEGATE, OUTPUT)));
    for (size_t i = 0; i < sizeof graphs / sizeof *graphs; i++) {
        TARN_SCOPE;
        bool ok = reads(graphs[i].graph);
        if (!ok && tarn_error_kind() == TARN_ERROR_IO && strstr(tarn_error(), "broken.tarn"))
            CHECK_ERROR(ok, graphs[i].words);
        else
            CHECK_ERROR(ok, "broken.tarn");
    }
}

/* ---- the notes of the file */

static void check_notes(const char *format, const char *version, const char *checksum, const char *words) {
    TARN_SCOPE;
    const tarn_pair notes[] = {{"format", format},
                               {"version", version},
                               {"checksum", checksum},
                               {"metadata", ""},
                               {"graph", GRAPH(INPUT, "", NEGATE, OUTPUT)}};
    tarn_named_array captured = {"captured.0", tarn_zeros(TARN_SHAPE(4), TARN_INT32)};
    CHECK(tarn_save_safetensors(export_path(), &captured, 1, .metadata = notes, .metadata_count = 5));
    tarn_imported_function *f = tarn_import_function(export_path());
    if (words)
        CHECK_ERROR(f, words);
    else
        CHECK(f);
    tarn_imported_free(f);
}

static void test_notes(void) {
    char checksum[FILE_CHECKSUM];
    file_checksum(GRAPH(INPUT, "", NEGATE, OUTPUT), "", checksum);
    check_notes(FILE_FORMAT, FILE_VERSION, checksum, NULL);
    check_notes("pt", FILE_VERSION, checksum, "not one of an exported function");
    check_notes(FILE_FORMAT, "2", checksum, "version '2' of the format; this version of Tarn reads 1");
    check_notes(FILE_FORMAT, FILE_VERSION, "0123456789abcdef", "checksum differs");
}

/* ---- every allocation fails in turn */

static bool import_once(void) {
    tarn_imported_function *f = tarn_import_function(export_path());
    bool good = f != NULL;
    tarn_imported_free(f);
    return good;
}

static bool export_once(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_ones(TARN_SHAPE(2, 3), TARN_FLOAT32), *weight = tarn_ones(TARN_SHAPE(4), TARN_FLOAT32);
    tarn_function f = TARN_FUNCTION(call_small, tarn_ones(TARN_SHAPE(3, 4), TARN_FLOAT32));
    return tarn_export_function(export_path(), f, TARN_ARRAYS(x, weight), 2, .names = (const char *const[]){"weight"},
                                .name_count = 1, .shapeless = true);
}

static bool call_once(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_ones(TARN_SHAPE(2, 3), TARN_FLOAT32), *weight = tarn_ones(TARN_SHAPE(4), TARN_FLOAT32);
    tarn_imported_function *f = tarn_import_function(export_path());
    const tarn_results *results =
        f ? tarn_imported_call(f, TARN_ARRAYS(x, weight), 2, .names = (const char *const[]){"weight"}, .name_count = 1)
          : NULL;
    bool good = results && tarn_eval_all(tarn_results_arrays(results), tarn_results_count(results));
    tarn_imported_free(f);
    return good;
}

static void fail_in_turn(const char *what, bool (*once)(void)) {
    int64_t alive = node_alive_count(), n = 0, seen = 1;
    while (seen >= n) {
        memory_fail_at(++n);
        bool good = once();
        seen = memory_fail_at(0);
        if (good != tarn_ok() || node_alive_count() != alive)
            check_failures++, fprintf(stderr, "%s, allocation %lld: %s\n", what, (long long)n,
                                      good != tarn_ok() ? "an error and no error" : "something is left");
        tarn_clear_error();
    }
    printf("%s: %lld allocations failed in turn\n", what, (long long)n - 1);
}

static void test_memory(void) {
    CHECK(imports(file, file_length));
    fail_in_turn("import", import_once);
    fail_in_turn("export", export_once);
    CHECK(imports(file, file_length));
    fail_in_turn("call", call_once);
}

int main(void) {
    int64_t before = node_alive_count();
    make_file();
    test_truncated();
    test_flipped();
    test_graphs();
    test_notes();
    test_memory();
    CHECK(node_alive_count() == before);
    forget_export_path();
    return check_report("export_broken");
}
