/* Functions in files: signatures, names, what is shared, what is refused, and transforms of what was imported. That
   each operation comes back with the same bits is in the tests of transforms, other sizes in test_replay.c, broken
   files in test_export_broken.c. */
#include <math.h>

#include "check.h"
#include "core/array.h"
#include "exported.h"
#include "random_stream.h"
#include "export/function_file.h"
#include "table/quant.h"

#define F32 TARN_FLOAT32
#define BODY(name, ...)                                                                                                \
    static bool name(void *context, tarn_array *const *x, int count, tarn_results *results) {                          \
        (void)context, (void)x, (void)count, (void)results;                                                            \
        return __VA_ARGS__;                                                                                            \
    }

static tarn_array *numbers(double first, int64_t count) {
    return tarn_arange(first, first + (double)count, 1, F32);
}

/* ---- a function over a captured array */

BODY(layer, tarn_result(results, tarn_softmax(tarn_add(tarn_matmul(tarn_tanh(x[0]), context), tarn_scalar(2, F32)))))

static void test_small(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_reshape(numbers(0, 6), TARN_SHAPE(2, 3)), *w = tarn_reshape(numbers(-4, 9), TARN_SHAPE(3, 3)),
               *got[1], *wanted[1];
    tarn_function f = TARN_FUNCTION(layer, w);
    CHECK(imported_into(got, f, &x, &x, 1, false) && into(wanted, tarn_call(f, &x, 1)) && same_bits(*got, *wanted));
}

/* ---- signatures and names */

/* x and perhaps y, called mask, and z, called bias. */
BODY(named, tarn_result(results, count < 3 ? tarn_negative(x[0]) : tarn_add(tarn_multiply(x[0], x[1]), x[2])))

static void check_names(tarn_imported_function *f, tarn_array *x, tarn_array *y, tarn_array *z) {
    const char *const in_order[] = {"mask", "bias"}, *const turned[] = {"bias", "mask"}, *const wrong[] = {"bias", "b"};
    tarn_array *a[1], *b[1], *c[1], *sum = tarn_add(tarn_multiply(x, y), z);
    CHECK(into(a, tarn_imported_call(f, TARN_ARRAYS(x, y, z), 3, .names = in_order, .name_count = 2)));
    CHECK(into(b, tarn_imported_call(f, TARN_ARRAYS(x, z, y), 3, .names = turned, .name_count = 2)));
    CHECK(into(c, tarn_imported_call(f, &x, 1)));
    CHECK(same_bits(*a, sum) && same_bits(*b, sum) && same_bits(*c, tarn_negative(x)));
    CHECK_ERROR(tarn_imported_call(f, TARN_ARRAYS(x, y, z), 3),
                "no signature takes (float32 [2], float32 [2], float32 []); the file has (float32 [2]), (float32 [2], "
                "mask=float32 [2], bias=float32 [])");
    CHECK_ERROR(tarn_imported_call(f, TARN_ARRAYS(x, y, z), 3, .names = wrong, .name_count = 2),
                "bias=float32 [2], b=");
    CHECK_ERROR(tarn_imported_call(f, &y, 1, .names = in_order, .name_count = 1), "(mask=float32 [2])");
    CHECK_ERROR(tarn_imported_call(f, TARN_ARRAYS(tarn_astype(x, TARN_INT32)), 1), "(int32 [2])");
    CHECK_ERROR(tarn_imported_call(f, TARN_ARRAYS(numbers(0, 3)), 1), "(float32 [3])");
    CHECK_ERROR(tarn_imported_call(f, NULL, 0), "no signature takes ()");
    CHECK_ERROR(tarn_imported_call(f, TARN_ARRAYS(NULL), 1), "input 0 is NULL");
    CHECK_ERROR(tarn_imported_call(f, &x, 1, .names = in_order, .name_count = 2), "2 names for 1 inputs");
    CHECK_ERROR(tarn_imported_call(f, TARN_ARRAYS(x, y), 2, .names = (const char *const[]){"a", "a"}, .name_count = 2),
                "two inputs are named 'a'");
}

static void check_listing(const tarn_imported_function *f) {
    const tarn_signature *s = tarn_imported_signature(f, 1);
    CHECK(tarn_imported_count(f) == 2 && s && !tarn_imported_signature(f, 2) && !tarn_imported_signature(f, -1));
    CHECK(s && s->input_count == 3 && s->output_count == 1);
    CHECK(s && !s->inputs[0].name && strcmp(s->inputs[1].name, "mask") == 0 && strcmp(s->inputs[2].name, "bias") == 0);
    CHECK(s && s->inputs[1].dtype == F32 && s->inputs[1].shape.count == 1 && s->inputs[1].shape.values[0] == 2);
    CHECK(s && s->inputs[2].shape.count == 0 && s->outputs[0].dtype == F32 && s->outputs[0].shape.values[0] == 2);
    CHECK(strcmp(tarn_imported_metadata(f), "said with \"quotes\" and \n") == 0);
}

static void test_signatures(void) {
    TARN_SCOPE;
    const char *const names[] = {"mask", "bias"};
    tarn_array *x = numbers(1, 2), *y = numbers(5, 2), *z = tarn_scalar(7, F32);
    tarn_exporter *e =
        tarn_exporter_new(export_path(), TARN_FUNCTION(named, NULL), .metadata = "said with \"quotes\" and \n");
    CHECK(tarn_exporter_trace(e, &x, 1));
    CHECK(tarn_exporter_trace(e, TARN_ARRAYS(x, y, z), 3, .names = names, .name_count = 2));
    CHECK_ERROR(tarn_exporter_trace(e, &y, 1), "traced for such arrays already");
    CHECK_ERROR(tarn_exporter_trace(e, TARN_ARRAYS(x, z, y), 3, .names = (const char *const[]){"bias", "mask"},
                                    .name_count = 2),
                "traced for such arrays already");
    CHECK(tarn_exporter_close(e) && tarn_exporter_close(e));
    CHECK_ERROR(tarn_exporter_trace(e, &z, 1), "closed");
    tarn_exporter_free(e);
    tarn_imported_function *f = tarn_import_function(export_path());
    CHECK(f != NULL);
    check_names(f, x, y, z);
    check_listing(f);
    tarn_imported_free(f);
    tarn_imported_free(NULL);
}

/* ---- any sizes */

BODY(energy_of, tarn_result(results, tarn_sum(tarn_square(x[0]))))

/* Something else at each call, as random keys are. */
static tarn_array *next_number(void) {
    static double next;
    return tarn_scalar(next++, F32);
}

BODY(average, tarn_result(results, tarn_multiply(tarn_mean(x[0], .axes = TARN_AXES(-1), .keepdims = true), x[0])))

static void test_shapeless(void) {
    TARN_SCOPE;
    tarn_array *small = tarn_reshape(numbers(0, 6), TARN_SHAPE(2, 3)),
               *large = tarn_reshape(numbers(0, 20), TARN_SHAPE(4, 5)), *got[1], *wanted[1];
    tarn_function f = TARN_FUNCTION(average, NULL);
    CHECK(imported_into(got, f, &small, &large, 1, true) && into(wanted, tarn_call(f, &large, 1)));
    CHECK(same_bits(*got, *wanted));
    tarn_array *flat = numbers(0, 3);
    CHECK_ERROR(imported_into(got, f, &small, &flat, 1, true), "the file has (float32 [any, any])");
    CHECK_ERROR(imported_into(got, f, &small, &large, 1, false), "the file has (float32 [2, 3])");
}

/* Which axes of the inputs are free: "[*1]". */
static void check_free(tarn_callback call, void *context, tarn_array *const *in, int count, const char *wanted) {
    text said = {0};
    CHECK(tarn_export_function(export_path(), TARN_FUNCTION(call, context), in, count, .shapeless = true));
    tarn_imported_function *f = tarn_import_function(export_path());
    const tarn_signature *s = tarn_imported_signature(f, 0);
    for (int i = 0; s && i < s->input_count; i++) {
        text_add(&said, i ? " [" : "[");
        for (int64_t k = 0; k < s->inputs[i].shape.count; k++)
            text_add(&said, s->inputs[i].shape.values[k] < 0 ? "*" : "1");
        text_add(&said, "]");
    }
    tarn_imported_free(f);
    if (strcmp(text_string(&said), wanted) != 0)
        check_failures++, fprintf(stderr, "free axes %s, not %s\n", text_string(&said), wanted);
    text_free(&said);
}

BODY(halves, tarn_result(results, tarn_reshape(x[0], TARN_SHAPE(tarn_dim(x[0], 0), -1, 2))))
BODY(by_size, tarn_result(results, tarn_multiply(x[0], tarn_scalar((double)tarn_dim(x[0], 1), F32))))
BODY(branches, tarn_result(results, tarn_dim(x[0], 0) <= 2 ? tarn_square(x[0]) : tarn_exp(x[0])))
BODY(looks_only, tarn_dim(x[0], 0) > 0 && tarn_result(results, tarn_matmul(x[0], x[1])))
BODY(linear, tarn_dim(x[0], 0) > 0 && tarn_result(results, tarn_matmul(x[0], context)))
BODY(gradient, tarn_result_all(results, tarn_grad(TARN_FUNCTION(energy_of, NULL), x, 1)))
BODY(drawn, tarn_dim(x[0], 0) && tarn_result(results, tarn_add(x[0], next_number())))

static void test_free_sizes(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_reshape(numbers(0, 24), TARN_SHAPE(4, 6)), *y = tarn_reshape(numbers(0, 30), TARN_SHAPE(6, 5));
    check_free(average, NULL, &x, 1, "[**]");
    check_free(halves, NULL, &x, 1, "[1*]");
    check_free(by_size, NULL, &x, 1, "[*1]");
    check_free(branches, NULL, &x, 1, "[**]"); /* above 2 it is the same */
    check_free(branches, NULL, TARN_ARRAYS(tarn_slice_axis(x, 0, 0, 2)), 1, "[1*]");
    check_free(looks_only, NULL, TARN_ARRAYS(x, y), 2, "[**] [**]"); /* 6 goes with 6 */
    check_free(linear, y, &x, 1, "[*1]");
    check_free(drawn, NULL, &x, 1, "[**]");
    check_free(gradient, NULL, &x, 1, "[**]");
}

/* ---- captured arrays */

BODY(shared, tarn_result(results, tarn_sum(count ? tarn_add(x[0], context) : context)))

static long file_bytes(void) {
    FILE *file = fopen(export_path(), "rb");
    CHECK(file && fseek(file, 0, SEEK_END) == 0);
    long bytes = file ? ftell(file) : 0;
    if (file) fclose(file);
    return bytes;
}

/* Several signatures share them; one that is not computed yet is computed once. */
static void test_shared_arrays(void) {
    TARN_SCOPE;
    tarn_array *large = tarn_multiply(numbers(0, 10000), tarn_scalar(0.5, F32)), *one = numbers(3, 1), *got[1];
    tarn_exporter *e = tarn_exporter_new(export_path(), TARN_FUNCTION(shared, large));
    CHECK(tarn_exporter_trace(e, NULL, 0) && tarn_exporter_trace(e, &one, 1));
    CHECK(tarn_exporter_trace(e, TARN_ARRAYS(tarn_scalar(1, F32)), 1) && tarn_exporter_close(e));
    tarn_exporter_free(e);
    CHECK(file_bytes() < 40000 + 2000 && tarn_is_computed(large));
    tarn_imported_function *f = tarn_import_function(export_path());
    CHECK(into(got, tarn_imported_call(f, &one, 1)));
    tarn_imported_free(f); /* what was called stays good */
    CHECK(same_bits(*got, tarn_sum(tarn_add(one, large))));
}

/* Arrays of every dtype, views, empty ones, and those of no axes. */
BODY(captured, tarn_result_all(results, context))

static void test_captured_dtypes(void) {
    TARN_SCOPE;
    tarn_array *got[4 * TARN_DTYPE_COUNT], *wanted[4 * TARN_DTYPE_COUNT];
    int made = 0;
    for (int d = 0; d < TARN_DTYPE_COUNT; d++) {
        tarn_array *x = tarn_reshape(tarn_astype(numbers(0, 6), (tarn_dtype)d), TARN_SHAPE(2, 3));
        wanted[made++] = x;
        wanted[made++] = tarn_transpose(x);
        wanted[made++] = tarn_slice_axis(x, 0, 0, 0);
        wanted[made++] = tarn_reshape(tarn_slice_axis(tarn_flatten(x), 0, 1, 2), TARN_0D);
    }
    tarn_results *list = results_new();
    for (int i = 0; i < made; i++) CHECK(tarn_result(list, wanted[i]));
    CHECK(imported_into(got, TARN_FUNCTION(captured, list), NULL, NULL, 0, false));
    for (int i = 0; i < made; i++) CHECK(same_bits(got[i], wanted[i]));
}

/* A loop that makes its constants, each as large as the shape says. */
static bool constants(void *context, tarn_array *const *x, int count, tarn_results *results) {
    tarn_array *y = tarn_scalar_int(tarn_dim(x[0], 0), TARN_INT32);
    (void)context, (void)count;
    for (int i = 0; i < 10; i++) y = tarn_add(y, tarn_scalar_int(tarn_dim(x[0], 0) + i, TARN_INT32));
    return tarn_result(results, tarn_multiply(y, tarn_sum(x[0])));
}

static void test_constants(void) {
    TARN_SCOPE;
    tarn_exporter *e = tarn_exporter_new(export_path(), TARN_FUNCTION(constants, NULL));
    for (int n = 1; n < 4; n++) CHECK(tarn_exporter_trace(e, TARN_ARRAYS(tarn_ones(TARN_SHAPE(n), TARN_INT32)), 1));
    CHECK(tarn_exporter_close(e));
    tarn_exporter_free(e);
    tarn_imported_function *f = tarn_import_function(export_path());
    for (int n = 1; n < 4; n++) {
        tarn_array *x = tarn_ones(TARN_SHAPE(n), TARN_INT32), *got[1];
        CHECK(into(got, tarn_imported_call(f, &x, 1)) && tarn_item_int(*got) == n * (11 * n + 45));
    }
    tarn_imported_free(f);
}

/* ---- every format of packed weights */

typedef struct {
    tarn_array *parts[3];
    const char *mode;
    int bits, group_size;
} packed;

static bool product(void *context, tarn_array *const *x, int count, tarn_results *results) {
    const packed *p = context;
    (void)count;
    bool affine = strcmp(p->mode, "affine") == 0;
    return tarn_result(results, tarn_quantized_matmul(x[0], p->parts[0], p->parts[1], .mode = p->mode,
                                                      .biases = affine ? p->parts[2] : NULL, .bits = p->bits,
                                                      .group_size = p->group_size));
}

static void check_format(const char *mode, int bits, int group_size) {
    TARN_SCOPE;
    tarn_array *w = tarn_random_normal(tarn_random_key(1), TARN_SHAPE(4, 256), F32),
               *x = tarn_random_normal(tarn_random_key(2), TARN_SHAPE(2, 256), F32), *got[1], *wanted[1];
    packed p = {.mode = mode, .bits = bits, .group_size = group_size};
    tarn_function f = TARN_FUNCTION(product, &p);
    CHECK(tarn_quantize(w, p.parts, .mode = mode, .bits = bits, .group_size = group_size));
    CHECK(imported_into(got, f, &x, &x, 1, false) && into(wanted, tarn_call(f, &x, 1)) && same_bits(*got, *wanted));
}

static void test_formats(void) {
#define QUANT_MODE(...)
#define QUANT_WIDTH(name, width, groups)                                                                               \
    for (int g = 8; g <= 256; g *= 2)                                                                                  \
        if ((groups)&g && quant_fact_of(QUANT_##name)->made) check_format(#name, width, g);
#include "table/quant.def"
#undef QUANT_MODE
#undef QUANT_WIDTH
}

/* ---- every attribute of every op */

static int64_t any_integer(void) {
    int64_t drawn = (int64_t)random_bits();
    return drawn % 3 ? drawn % 17 : drawn;
}
static double any_real(void) {
    static const double odd[] = {0, -0.0, INFINITY, -INFINITY, NAN, 5e-324, 1e308, 0.1};
    return random_bits() % 2 ? odd[random_bits() % 8] : random_unit() * 1e6 - 5e5;
}

static void draw_attribute(const attribute_fact *f, void *at, int64_t *ints, double *reals) {
    int64_t count = (int64_t)(random_bits() % 4);
    for (int i = 0; i < 4; i++) ints[i] = any_integer(), reals[i] = any_real();
    if (f->type == ATTRIBUTE_INTEGER) *(int64_t *)at = ints[0];
    if (f->type == ATTRIBUTE_REAL) *(double *)at = reals[0];
    if (f->type == ATTRIBUTE_BOOLEAN) *(bool *)at = count & 1;
    if (f->type == ATTRIBUTE_DTYPE) *(tarn_dtype *)at = (tarn_dtype)(random_bits() % TARN_DTYPE_COUNT);
    if (f->type == ATTRIBUTE_NAME) *(int *)at = (int)(random_bits() % (uint64_t)f->names->count);
    if (f->type == ATTRIBUTE_INTS) *(tarn_ints *)at = (tarn_ints){count == 3 ? NULL : ints, count == 3 ? 0 : count};
    if (f->type == ATTRIBUTE_REALS)
        *(attribute_reals *)at = (attribute_reals){count == 3 ? NULL : reals, count == 3 ? 0 : count};
}

static void check_attributes(op_id op) {
    int count;
    const attribute_fact *facts = op_attributes(op, &count);
    _Alignas(16) char drawn[256] = {0};
    int64_t ints[16][4];
    double reals[16][4];
    bool ok;
    CHECK(op_facts[op].attribute_bytes <= sizeof drawn && count <= 16);
    for (int i = 0; i < count; i++) draw_attribute(&facts[i], drawn + facts[i].offset, ints[i], reals[i]);
    text out = {0};
    CHECK(attributes_write(op, drawn, &out));
    json *read = json_parse_exact(text_string(&out), out.length, "attributes");
    void *back = attributes_read(op, read, "attributes", &ok);
    CHECK(ok && attributes_equal(op, drawn, back));
    attributes_free(op, back);
    json_free(read);
    text_free(&out);
}

static void test_attributes(void) {
    for (int op = 0; op < OP_COUNT; op++) {
        int count;
        op_attributes((op_id)op, &count);
        for (int round = 0; count && !attributes_have_object((op_id)op) && round < 20; round++)
            check_attributes((op_id)op);
    }
}

/* ---- transforms of what was imported */

BODY(energy, tarn_result(results, tarn_sum(tarn_multiply(tarn_square(x[0]), context))))
BODY(call_compiled, tarn_result_all(results, tarn_compiled_call(context, x, count)))

static void test_transforms(void) {
    TARN_SCOPE;
    tarn_array *w = numbers(1, 3), *x = numbers(2, 3), *rows = tarn_reshape(numbers(0, 6), TARN_SHAPE(2, 3));
    tarn_array *got[1], *wanted[1];
    CHECK(tarn_export_function(export_path(), TARN_FUNCTION(energy, w), &x, 1));
    tarn_imported_function *imported = tarn_import_function(export_path());
    tarn_function f = tarn_imported_as_function(imported), original = TARN_FUNCTION(energy, w);
    CHECK(into(got, tarn_grad(f, &x, 1)) && into(wanted, tarn_grad(original, &x, 1)) && same_bits(*got, *wanted));
    CHECK(into(got, tarn_jvp(f, &x, 1, &w)) && into(wanted, tarn_jvp(original, &x, 1, &w)) && same_bits(*got, *wanted));
    CHECK(into(got, tarn_vmap(f, &rows, 1)) && into(wanted, tarn_vmap(original, &rows, 1)) && same_bits(*got, *wanted));
    tarn_compiled *compiled = tarn_compile(f);
    for (int i = 0; i < 2; i++)
        CHECK(into(got, tarn_compiled_call(compiled, &x, 1)) && into(wanted, tarn_call(original, &x, 1)) &&
              same_bits(*got, *wanted));
    /* and a compiled function, and one that was imported, in another file */
    CHECK(imported_into(got, TARN_FUNCTION(call_compiled, compiled), &x, &x, 1, false) && same_bits(*got, *wanted));
    CHECK(imported_into(got, f, &x, &x, 1, false) && same_bits(*got, *wanted));
    tarn_compiled_free(compiled);
    tarn_imported_free(imported);
}

/* Of a custom function the file has what it computes; the gradient is then that of the operations. */
BODY(twice, tarn_result(results, tarn_add(x[0], x[0])))
BODY(hundred, tarn_result(results, tarn_full_like(x[0], 100)))
BODY(through_custom, tarn_result(results, tarn_sum(tarn_results_at(tarn_custom_call(context, x, 1), 0))))

static void test_custom(void) {
    TARN_SCOPE;
    tarn_array *x = numbers(1, 3), *got[1];
    tarn_custom_function *c = tarn_custom_new(TARN_FUNCTION(twice, NULL), .vjp = hundred);
    CHECK(tarn_export_function(export_path(), TARN_FUNCTION(through_custom, c), &x, 1));
    tarn_custom_free(c);
    tarn_imported_function *f = tarn_import_function(export_path());
    CHECK(into(got, tarn_imported_call(f, &x, 1)) && tarn_item(*got) == 12);
    CHECK(into(got, tarn_grad(tarn_imported_as_function(f), &x, 1)) && same_bits(*got, tarn_full_like(x, 2)));
    tarn_imported_free(f);
}

/* ---- what is refused */

BODY(fails, tarn_fail("said no"))
BODY(looks, tarn_item(x[0]) > 0 && tarn_result(results, x[0]))
BODY(identity, tarn_result(results, x[0]))

static bool exports_captured(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_export_function(export_path(), TARN_FUNCTION(shared, x[0]), NULL, 0) && tarn_result(results, x[0]);
}

static void test_refused(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_scalar(1, F32), *got[1];
    remove(export_path());
    CHECK_ERROR(tarn_export_function(export_path(), TARN_FUNCTION(fails, NULL), &x, 1), "said no");
    CHECK_ERROR(tarn_export_function(export_path(), TARN_FUNCTION(looks, NULL), &x, 1), "argument");
    CHECK_ERROR(tarn_export_function(export_path(), ((tarn_function){0}), &x, 1), "the function is NULL");
    CHECK_ERROR(tarn_export_function(NULL, TARN_FUNCTION(identity, NULL), &x, 1), "no path");
    CHECK_ERROR(tarn_export_function(export_path(), TARN_FUNCTION(identity, NULL), NULL, 1), "1 inputs");
    CHECK_ERROR(tarn_export_function("/nowhere/x", TARN_FUNCTION(identity, NULL), &x, 1), "/nowhere/x");
    CHECK_ERROR(tarn_export_function(export_path(), TARN_FUNCTION(identity, NULL), &x, 1, .metadata = "\xff"), "UTF-8");
    CHECK_ERROR(tarn_vmap(TARN_FUNCTION(exports_captured, NULL), TARN_ARRAYS(numbers(0, 2)), 1), "traced around it");
    CHECK_ERROR(tarn_import_function(export_path()), "function.tarn"); /* none of these left a file */
    CHECK_ERROR(tarn_import_function(NULL), "no path");
    CHECK_ERROR(tarn_imported_call(NULL, &x, 1), "it is NULL");
    CHECK(imported_into(got, TARN_FUNCTION(identity, NULL), &x, &x, 1, false) && same_bits(*got, x));
    tarn_named_array named = {"x", x};
    CHECK(tarn_save_safetensors(export_path(), &named, 1));
    CHECK_ERROR(tarn_import_function(export_path()), "not one of an exported function");
}

/* ---- a graph, part by part */

typedef struct {
    text said;
    int parts;
} heard;

static bool hear(void *context, const tarn_graph_part *part) {
    static const char *const kinds[] = {"inputs", "outputs", "captured", "step"};
    heard *h = context;
    text_format(&h->said, "%s%s", h->parts++ ? "; " : "", part->op ? part->op : kinds[part->kind]);
    for (int i = 0; i < part->input_count; i++) text_format(&h->said, " %lld", (long long)part->inputs[i].number);
    if (part->output_count) text_add(&h->said, " ->");
    for (int i = 0; i < part->output_count; i++)
        text_format(&h->said, " %s%lld", part->outputs[i].name ? part->outputs[i].name : "",
                    (long long)part->outputs[i].number);
    for (int i = 0; i < part->attribute_count; i++) text_format(&h->said, " %s", part->attributes[i].name);
    if (part->kind == TARN_GRAPH_CAPTURED) CHECK(part->outputs[0].array && part->outputs[0].shape.values[0] == 3);
    return true;
}

BODY(parts, tarn_result(results, tarn_sum(tarn_rms_norm(tarn_add(x[0], x[1]), context))))
static bool refuse(void *context, const tarn_graph_part *part) {
    (void)context, (void)part;
    return tarn_fail("not this one");
}

static void test_visit(void) {
    TARN_SCOPE;
    heard h = {0};
    tarn_array *x[] = {numbers(0, 3), numbers(1, 3)};
    tarn_function f = TARN_FUNCTION(parts, numbers(1, 3));
    CHECK(tarn_visit_graph(f, x, 2, hear, &h, .names = (const char *const[]){"y"}, .name_count = 1));
    CHECK(strcmp(text_string(&h.said), "inputs -> 0 y1; outputs 5; captured -> 2; add 0 1 -> 3; rms_norm 3 2 -> 4 eps; "
                                       "reduce 4 -> 5 kind axes keepdims") == 0);
    if (check_failures) puts(text_string(&h.said));
    text_free(&h.said);
    CHECK_ERROR(tarn_visit_graph(f, x, 2, refuse, NULL), "not this one");
}

int main(void) {
    int64_t before = node_alive_count();
    test_small();
    test_signatures();
    test_shapeless();
    test_free_sizes();
    test_shared_arrays();
    test_captured_dtypes();
    test_constants();
    test_formats();
    test_attributes();
    test_transforms();
    test_custom();
    test_refused();
    test_visit();
    CHECK(node_alive_count() == before);
    forget_export_path();
    return check_report("export");
}
