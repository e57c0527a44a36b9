/* device_kernel: what a user's kernel makes of arrays. Its results are what the caller says. */
#include "table/device_kernel.h"

#include <ctype.h>
#include <string.h>

#include "base/memory.h"
#include "ops/front.h"
#include "ops/rules.h"
#include "tarn/device_kernel.h"

static bool infer(inference *i) {
    const attributes_device_kernel *a = i->attributes;
    const tarn_device_kernel_options *o = &((const device_kernel *)a->kernel.object)->options;
    bool ok = true;
    for (int k = 0; k < o->output_count && ok; k++)
        ok = types_add(i, o->outputs[k].dtype, (int)o->outputs[k].shape.count, o->outputs[k].shape.values);
    return ok;
}

/* ---- what a caller said */
static bool is_name(const char *name) {
    bool good = name && (isalpha((unsigned char)*name) || *name == '_') && strlen(name) < 200;
    for (; good && *name; name++) good = isalnum((unsigned char)*name) || *name == '_';
    return good;
}

static bool are_names(const char *const *names, int count) {
    bool good = count == 0 || names;
    for (int i = 0; good && i < count; i++) good = is_name(names[i]);
    return good;
}

static bool are_constants(const tarn_kernel_constant *constants, int count) {
    bool good = count == 0 || (count > 0 && constants);
    for (int i = 0; good && i < count; i++) {
        const tarn_kernel_constant *c = &constants[i];
        good = is_name(c->name) && (c->kind != TARN_KERNEL_TYPE || (c->value >= 0 && c->value < TARN_DTYPE_COUNT));
    }
    return good;
}

static bool check_code(const tarn_device_kernel_options *o, int count) {
    if (!is_name(o->name)) return tarn_fail("device_kernel: the name is no identifier");
    if (!are_constants(o->constants, o->constant_count))
        return tarn_fail("device_kernel: %s: the name of a constant is no identifier, or a type is none", o->name);
    if (o->code) return o->code_bytes || tarn_fail("device_kernel: %s has no byte of code", o->name);
    if (!o->source) return tarn_fail("device_kernel: %s has neither source nor code", o->name);
    return (are_names(o->input_names, count) && are_names(o->output_names, o->output_count)) ||
           tarn_fail("device_kernel: %s: the name of an input or output is no identifier", o->name);
}

/* A number that does not fit becomes another one, which the caller would not see. */
static bool check_numbers(const tarn_device_kernel_options *o) {
    for (int i = 0; i < o->scalar_count; i++) {
        const tarn_kernel_scalar *s = &o->scalars[i];
        if (s->kind == TARN_KERNEL_INT && !(s->value >= INT32_MIN && s->value <= INT32_MAX))
            return tarn_fail("device_kernel: %s: the scalar %g is no int", o->name, s->value);
    }
    return true;
}

static bool check_sizes(const tarn_device_kernel_options *o, int count) {
    if (o->output_count < 1 || !o->outputs) return tarn_fail("device_kernel: %s has no output", o->name);
    if (count > DEVICE_KERNEL_MOST || o->output_count > DEVICE_KERNEL_MOST || o->scalar_count > DEVICE_KERNEL_MOST)
        return tarn_fail("device_kernel: %s: at most %d inputs, outputs and scalars", o->name, DEVICE_KERNEL_MOST);
    if (o->scalar_count && (o->scalar_count < 0 || !o->scalars))
        return tarn_fail("device_kernel: %s: %d scalars, and no list of them", o->name, o->scalar_count);
    for (int i = 0; i < 3; i++)
        if (o->grid[i] < 1 || o->block[i] < 1 || o->block[i] > 1024 || o->grid[i] > INT32_MAX)
            return tarn_fail("device_kernel: %s: grid and block are positive, a block has at most 1024 threads",
                             o->name);
    if (o->block[0] * o->block[1] * o->block[2] > 1024)
        return tarn_fail("device_kernel: %s: a block of %lld x %lld x %lld is more than 1024 threads", o->name,
                         (long long)o->block[0], (long long)o->block[1], (long long)o->block[2]);
    bool good = o->shared_bytes >= 0 && o->shared_bytes <= INT32_MAX;
    return good || tarn_fail("device_kernel: %s: %lld bytes of shared memory", o->name, (long long)o->shared_bytes);
}

static bool check_outputs(const front *front_, const tarn_device_kernel_options *o) {
    for (int i = 0; i < o->output_count; i++)
        if (!front_require_dtype(front_, o->outputs[i].dtype) || !front_require_list(front_, o->outputs[i].shape))
            return false;
    return true;
}

static bool check(const front *front_, const tarn_device_kernel_options *o, tarn_array *const *inputs, int count) {
    if (!o || count < 0 || (count && !inputs)) return tarn_fail("device_kernel: no options, or no inputs");
    return front_require(front_, inputs, count) && check_sizes(o, count) && check_code(o, count) && check_numbers(o) &&
           check_outputs(front_, o);
}

bool tarn_device_kernel(const tarn_device_kernel_options *options, tarn_array *const *inputs, int count,
                        tarn_array **results) {
    FRONT("device_kernel");
    REQUIRE_THAT(check(&front_, options, inputs, count));
    if (!results) return tarn_fail("device_kernel: %s: no place for results", options->name);
    device_kernel *k = device_kernel_new(options, count);
    if (!k) return false;
    node *made =
        build_node(OP_device_kernel, inputs, count, &(attributes_device_kernel){.kernel = {&device_kernel_type, k}});
    device_kernel_type.release(k);
    for (int i = 0; made && i < options->output_count; i++) results[i] = &made->outputs[i];
    return made != NULL;
}

char *tarn_device_kernel_source(const tarn_device_kernel_options *options, tarn_array *const *inputs, int count) {
    FRONT("device_kernel");
    REQUIRE_THAT(check(&front_, options, inputs, count));
    if (options->code) return tarn_fail("device_kernel: %s is compiled already", options->name), NULL;
    device_kernel_input types[DEVICE_KERNEL_MOST];
    text out = {0};
    device_kernel *k = device_kernel_new(options, count);
    for (int i = 0; i < count; i++) types[i] = (device_kernel_input){inputs[i]->dtype, inputs[i]->ndim};
    if (!k) return NULL;
    device_kernel_print(k, types, &out);
    device_kernel_type.release(k);
    return text_take(&out);
}

const op_rules rules_device_kernel = {.infer = infer,
                                      .no_vjp = "nothing is known of what a user's kernel computes",
                                      .no_vmap = "nothing is known of what a user's kernel computes"};
