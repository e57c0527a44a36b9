/* The public rendering functions, and the limits, errors and output that all of the interpreter uses. */
#include "template/render.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "template/iterate.h"

enum { DEFAULT_DEPTH = 1500, WORK_PER_STEP = 64 };
static const int64_t DEFAULT_STEPS = 10000000;
static const size_t DEFAULT_OUTPUT = (size_t)64 << 20, DEFAULT_MEMORY = (size_t)512 << 20;

value render_fail(render *r, const char *format, ...) {
    char message[900];
    va_list parts;
    va_start(parts, format);
    vsnprintf(message, sizeof message, format, parts);
    va_end(parts);
    /* Do not cut a character in two. */
    message[strlen(message) - utf8_incomplete(message, strlen(message))] = 0;
    if (tarn_ok()) r->placed = true;
    tarn_fail("%s:%u:%u: %s", r->of->name.bytes, r->at ? r->at->line : 1, r->at ? r->at->column : 1, message);
    return FAILED;
}

value undefined_hint(render *r, const char *hint) {
    undefined *u = ARENA_NEW(&r->memory, undefined);
    if (!u) return FAILED;
    u->hint = hint;
    return (value){.kind = VALUE_UNDEFINED, .undefined = u};
}

value undefined_fail(render *r, value v) {
    const undefined *u = v.undefined;
    if (u->hint) return render_fail(r, "%s", u->hint);
    string *name = NULL;
    size_t mark = render_mark(r);
    if (write_repr(r, u->name)) name = render_cut(r, mark);
    if (!name) return FAILED;
    int length = name->length > 400 ? 400 : (int)name->length;
    if (u->unsafe)
        return render_fail(r, "access to attribute %.*s of '%s' object is unsafe.", length, name->bytes, u->type);
    if (!u->type) return render_fail(r, "%.*s is undefined", length, name->bytes);
    const char *suffix = strcmp(u->type, "None") == 0 ? "" : " object";
    if (!is_string(u->name)) return render_fail(r, "%s%s has no element %.*s", u->type, suffix, length, name->bytes);
    return render_fail(r, "'%s%s' has no attribute %.*s", u->type, suffix, length, name->bytes);
}

bool spend(render *r, size_t amount) {
    r->steps -= (int64_t)(amount / WORK_PER_STEP) + 1;
    return r->steps >= 0 || (render_fail(r, "the template takes too many steps"), false);
}

bool enter(render *r) {
    if (r->depth <= 0) return render_fail(r, "the template recurses too deeply"), false;
    r->depth--;
    return true;
}

bool render_write(render *r, const char *bytes, size_t length) {
    if (length > r->output_limit - r->output.length)
        return render_fail(r, "the output exceeds %zu bytes", r->output_limit), false;
    return spend(r, length) && text_append(&r->output, bytes, length);
}

string *render_cut(render *r, size_t mark) {
    string *s = string_copy(&r->memory, text_string(&r->output) + mark, r->output.length - mark);
    if (r->output.bytes) {
        r->output.length = mark;
        r->output.bytes[mark] = 0;
    }
    return s;
}

value text_value(render *r, const char *s) {
    return string_value(string_share(&r->memory, s, strlen(s)));
}

static void render_start(render *r, const tarn_template *parsed, const tarn_template_options *o) {
    r->of = parsed;
    r->steps = o->steps > 0 ? o->steps : DEFAULT_STEPS;
    r->depth = o->depth > 0 ? o->depth : DEFAULT_DEPTH;
    r->output_limit = o->output_bytes ? o->output_bytes : DEFAULT_OUTPUT;
    r->memory.limit = o->memory_bytes ? o->memory_bytes : DEFAULT_MEMORY;
    r->clock = o->clock;
}

static bool render_all(render *r, const json *variables) {
    value v = json_value(r, variables);
    if (failed(v)) return false;
    if (v.kind != VALUE_DICT) return tarn_fail("%s: the variables are no JSON object", r->of->name.bytes);
    r->variables = v.dict;
    r->context = ARENA_NEW_ARRAY(&r->memory, value, r->of->variable_count);
    r->unset = ARENA_NEW_ARRAY(&r->memory, value, r->of->variable_count);
    scope *root = scope_new(r, NULL);
    return r->context && r->unset && root && scope_hide(r, root, &r->of->hidden) && execute(r, root, &r->of->body);
}

/* Failures from below the interpreter (no memory, a value nested too deeply) know no position. */
static void place_error(render *r) {
    char message[900];
    if (r->placed || tarn_ok()) return;
    tarn_error_class kind = tarn_error_kind();
    snprintf(message, sizeof message, "%s", tarn_error());
    tarn_clear_error();
    render_fail(r, "%s", message);
    error_blame(kind);
}

char *tarn_template_render_with(const tarn_template *parsed, const char *variables_json, size_t length,
                                size_t *out_length, tarn_template_options options) {
    if (!parsed) return tarn_fail("tarn_template_render: there is no template"), NULL;
    if (!tarn_ok()) return NULL;
    if (!variables_json) return tarn_fail("tarn_template_render: variables_json is NULL"), NULL;
    if (options.steps < 0 || options.depth < 0)
        return tarn_fail("tarn_template_render: %lld steps, a depth of %d", (long long)options.steps, options.depth),
               NULL;
    json *variables = json_parse_exact(variables_json, length, "template variables");
    if (!variables) return NULL;
    render r = {0};
    render_start(&r, parsed, &options);
    bool ok = render_all(&r, variables);
    if (!ok) place_error(&r);
    size_t written = r.output.length;
    char *result = ok ? text_take(&r.output) : NULL;
    text_free(&r.output);
    arena_free(&r.memory);
    json_free(variables);
    if (result && out_length) *out_length = written;
    return result;
}
