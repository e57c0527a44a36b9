/* Arrays as text. What is shown is gathered first, so that nothing else of a large array is read. */
#include "tarn/print.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "tarn/ops.h"

typedef struct {
    text out;
    tarn_format_options options;
    size_t line; /* where the present line begins */
    int ndim, indent;
    int64_t shown[TARN_MAX_NDIM]; /* how many elements of each axis are shown */
    bool cut[TARN_MAX_NDIM];      /* after edge_items of them some are left out */
    tarn_dtype dtype;             /* of the values: the widest of its kind */
    const char *next;             /* the next value */
} printer;

/* ---- what is shown */

static tarn_dtype widest(tarn_dtype dtype) {
    if (dtype == TARN_BOOL || dtype == TARN_COMPLEX64) return dtype;
    if (dtype >= TARN_FLOAT16) return TARN_FLOAT64;
    return dtype <= TARN_UINT64 ? TARN_UINT64 : TARN_INT64;
}

/* The first and the last `edge` elements of an axis. */
static tarn_array *ends(tarn_array *a, int axis, int64_t edge) {
    tarn_array *first = tarn_arange(0, (double)edge, 1, TARN_INT64),
               *last = tarn_arange(-(double)edge, 0, 1, TARN_INT64);
    return tarn_take(a, tarn_concatenate(TARN_ARRAYS(first, last), 2), .axis = TARN_AXIS(axis));
}

static tarn_array *shown_of(printer *p, tarn_array *a) {
    p->ndim = tarn_ndim(a);
    p->dtype = widest(tarn_dtype_of(a));
    for (int i = 0; i < p->ndim; i++) {
        p->cut[i] = tarn_dim(a, i) > p->options.threshold;
        if (p->cut[i]) a = ends(a, i, p->options.edge_items);
        p->shown[i] = tarn_dim(a, i);
    }
    return tarn_astype(a, p->dtype);
}

/* ---- numbers */

static void put_real(text *out, double value, tarn_integer precision) {
    if (precision.given)
        text_format(out, "%.*f", (int)precision.value, value);
    else
        text_format(out, "%g", value);
}

static void put_complex(text *out, const float *value, tarn_integer precision) {
    put_real(out, (double)value[0], precision);
    if (!(value[1] < 0)) text_add_char(out, '+');
    put_real(out, (double)value[1], precision);
    text_add_char(out, 'j');
}

/* One value of the widest dtype of its kind. */
static void put_value(text *out, const void *value, tarn_dtype dtype, tarn_integer precision) {
    int64_t word;
    double real;
    float parts[2];
    switch (dtype) {
    case TARN_BOOL:
        text_add(out, *(const bool *)value ? "True" : "False");
        return;
    case TARN_COMPLEX64:
        memcpy(parts, value, sizeof parts);
        put_complex(out, parts, precision);
        return;
    case TARN_FLOAT64:
        memcpy(&real, value, sizeof real);
        put_real(out, real, precision);
        return;
    default:
        memcpy(&word, value, sizeof word);
        text_format(out, dtype == TARN_INT64 ? "%" PRId64 : "%" PRIu64, word);
    }
}

/* ---- brackets */

static void new_line(printer *p, int depth) {
    text_add_char(&p->out, '\n');
    p->line = p->out.length;
    for (int i = 0; i < p->indent + depth; i++) text_add_char(&p->out, ' ');
}

/* An element, on a new line if it would not end within the width. */
static void put_item(printer *p, int depth, const char *item) {
    size_t width = (size_t)p->options.line_width;
    bool first = p->out.length == 0 || p->out.bytes[p->out.length - 1] != ' ';
    if (width && !first && p->out.length - p->line + strlen(item) + 1 > width) {
        p->out.length--; /* the space before */
        new_line(p, depth);
    }
    text_add(&p->out, item);
}

static void put_element(printer *p, int depth) {
    text item = {0};
    put_value(&item, p->next, p->dtype, p->options.precision);
    p->next += tarn_dtype_bytes(p->dtype);
    put_item(p, depth, text_string(&item));
    p->out.failed = p->out.failed || item.failed;
    text_free(&item);
}

static void put_axis(printer *p, int axis);

/* What stands between two elements of an axis. */
static void separate(printer *p, int axis) {
    text_add(&p->out, axis == p->ndim - 1 ? ", " : ",");
    if (axis < p->ndim - 1) new_line(p, axis + 1);
}

static void put_axis(printer *p, int axis) {
    if (axis == p->ndim) {
        put_element(p, axis);
        return;
    }
    text_add_char(&p->out, '[');
    for (int64_t i = 0; i < p->shown[axis]; i++) {
        if (i > 0) separate(p, axis);
        if (p->cut[axis] && i == p->options.edge_items) {
            put_item(p, axis + 1, "...");
            separate(p, axis);
        }
        put_axis(p, axis + 1);
    }
    text_add_char(&p->out, ']');
}

/* ---- the functions */

static bool fill_options(tarn_format_options *o) {
    int64_t precision = o->precision.given ? o->precision.value : 0;
    if (o->edge_items == 0) o->edge_items = 3;
    if (o->threshold == 0) o->threshold = 2 * o->edge_items;
    if (precision < 0 || precision > 1000 || o->edge_items < 1 || o->edge_items > INT32_MAX || o->line_width < 0)
        return tarn_fail("format: precision %lld, %lld edge items, lines of %lld", (long long)precision,
                         (long long)o->edge_items, (long long)o->line_width);
    return o->threshold >= 2 * o->edge_items ||
           tarn_fail("format: axes of more than %lld elements are to begin and end with %lld", (long long)o->threshold,
                     (long long)o->edge_items);
}

static bool write_text(printer *p, const char *dtype) {
    if (!p->options.bare) text_add(&p->out, "array(");
    p->indent = p->options.bare ? 0 : 6;
    put_axis(p, 0);
    if (!p->options.bare) text_format(&p->out, ", dtype=%s)", dtype);
    return !p->out.failed;
}

char *tarn_format_with(tarn_array *a, tarn_format_options o) {
    TARN_SCOPE;
    printer p = {.options = o};
    if (!a) return tarn_fail("format: the array is NULL"), NULL;
    if (!fill_options(&p.options) || !tarn_eval(a)) return NULL;
    p.next = tarn_data(shown_of(&p, a));
    if (p.next && write_text(&p, tarn_dtype_name(tarn_dtype_of(a)))) return text_take(&p.out);
    text_free(&p.out);
    return NULL;
}

bool tarn_print_with(tarn_array *a, FILE *to, tarn_format_options o) {
    if (!to) return tarn_fail("print: there is no file to write to");
    char *shown = tarn_format_with(a, o);
    bool ok = shown && fprintf(to, "%s\n", shown) >= 0;
    if (shown && !ok) tarn_fail_kind(TARN_ERROR_IO, "print: the file cannot be written");
    tarn_free(shown);
    return ok;
}
