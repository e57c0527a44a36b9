/* einsum: subscripts are read, operands taken in pairs, each pair a node of labels (ops/fused/einsum.c). */
#include "ops/einsum.h"

#include <string.h>

#include "base/memory.h"
#include "ops/front.h"

/* ---- reading */

static bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

uint64_t einsum_bit(int64_t label) {
    int64_t place = label < 0 ? 51 - label : label >= 'a' ? label - 'a' + 26 : label - 'A';
    return 1ull << place;
}

uint64_t einsum_bits(const einsum_term *term) {
    uint64_t bits = 0;
    for (int i = 0; i < term->count; i++) bits |= einsum_bit(term->labels[i]);
    return bits;
}

/* The letters of one term: those before an ellipsis, and all. */
typedef struct {
    int before, count;
    bool ellipsis;
    char letters[TARN_MAX_NDIM];
} letters_of_term;

static bool read_term(const char *s, size_t length, letters_of_term *out) {
    *out = (letters_of_term){0};
    for (size_t i = 0; i < length; i++) {
        if (s[i] == ' ') continue;
        if (length - i >= 3 && memcmp(s + i, "...", 3) == 0) {
            if (out->ellipsis) return tarn_fail("einsum: two ellipses in \"%.*s\"", (int)length, s);
            out->ellipsis = true;
            out->before = out->count;
            i += 2;
        } else if (!is_letter(s[i])) {
            return tarn_fail("einsum: '%c' in \"%.*s\" is no letter", s[i], (int)length, s);
        } else if (out->count == TARN_MAX_NDIM) {
            return tarn_fail("einsum: more than %d letters in \"%.*s\"", TARN_MAX_NDIM, (int)length, s);
        } else {
            out->letters[out->count++] = s[i];
        }
    }
    return true;
}

/* Letters, and `hidden` axes where the ellipsis stands. */
static bool term_of(const letters_of_term *l, int hidden, einsum_term *out) {
    *out = (einsum_term){0};
    if (l->count + hidden > TARN_MAX_NDIM) return tarn_fail("einsum: a term of more than %d axes", TARN_MAX_NDIM);
    for (int i = 0; i <= l->count; i++) {
        for (int k = hidden; k > 0 && l->ellipsis && i == l->before; k--) out->labels[out->count++] = -k;
        if (i < l->count) out->labels[out->count++] = l->letters[i];
    }
    return true;
}

static bool read_operand(const char *s, size_t length, const tarn_array *x, int number, einsum_term *out) {
    letters_of_term l;
    if (!read_term(s, length, &l)) return false;
    int hidden = x->ndim - l.count;
    if (hidden < 0 || (hidden > 0 && !l.ellipsis))
        return fail_shapes(x, NULL, NULL, "einsum: \"%.*s\" has %d letters for operand %d", (int)length, s, l.count,
                           number);
    return term_of(&l, hidden, out);
}

static int hidden_axes(const einsum_terms *t) {
    int most = 0;
    for (int i = 0; i < t->count; i++)
        for (int k = 0; k < t->terms[i].count; k++)
            if (t->terms[i].labels[k] < 0 && -t->terms[i].labels[k] > most) most = (int)-t->terms[i].labels[k];
    return most;
}

/* What stands there once, in order. */
static bool usual_result(einsum_terms *t) {
    letters_of_term l = {.ellipsis = true};
    int seen['z' + 1] = {0};
    for (int i = 0; i < t->count; i++)
        for (int k = 0; k < t->terms[i].count; k++)
            if (t->terms[i].labels[k] > 0) seen[t->terms[i].labels[k]]++;
    for (char c = 'A'; c <= 'z'; c++) {
        if (seen[(int)c] != 1) continue;
        if (l.count == TARN_MAX_NDIM) return tarn_fail("einsum: the result has more than %d axes", TARN_MAX_NDIM);
        l.letters[l.count++] = c;
    }
    return term_of(&l, hidden_axes(t), &t->result);
}

static bool check_result(const einsum_terms *t) {
    uint64_t there = 0, seen = 0;
    for (int i = 0; i < t->count; i++) there |= einsum_bits(&t->terms[i]);
    for (int k = 0; k < t->result.count; k++) {
        uint64_t bit = einsum_bit(t->result.labels[k]);
        if (seen & bit) return tarn_fail("einsum: '%c' is in the result twice", (char)t->result.labels[k]);
        if (!(there & bit)) return tarn_fail("einsum: '%c' of the result is in no operand", (char)t->result.labels[k]);
        seen |= bit;
    }
    return true;
}

static bool read_result(const char *s, einsum_terms *t) {
    letters_of_term l;
    return read_term(s, strlen(s), &l) && term_of(&l, l.ellipsis ? hidden_axes(t) : 0, &t->result) && check_result(t);
}

static int count_terms(const char *s, const char *end) {
    int count = 1;
    for (; s < end; s++) count += *s == ',';
    return count;
}

bool einsum_parse(const char *subscripts, tarn_array *const *operands, int count, einsum_terms *out) {
    *out = (einsum_terms){0};
    const char *arrow = strstr(subscripts, "->"), *end = arrow ? arrow : subscripts + strlen(subscripts);
    int wanted = count_terms(subscripts, end);
    if (wanted != count) return tarn_fail("einsum: %d operands for %d terms of \"%.80s\"", count, wanted, subscripts);
    if (!(out->terms = NEW_ARRAY(einsum_term, count))) return false;
    for (const char *s = subscripts; out->count < count; out->count++) {
        const char *comma = memchr(s, ',', (size_t)(end - s)), *stop = comma ? comma : end;
        if (!read_operand(s, (size_t)(stop - s), operands[out->count], out->count, &out->terms[out->count]))
            return false;
        s = stop + 1;
    }
    return arrow ? read_result(arrow + 2, out) : usual_result(out);
}

void einsum_free(einsum_terms *t) {
    memory_free(t->terms);
}

/* ---- computing */

typedef struct {
    tarn_array *array;
    einsum_term term;
} item;

/* The labels of a and b that something else has, too. */
static einsum_term kept_labels(const einsum_term *a, const einsum_term *b, uint64_t others) {
    einsum_term out = {0};
    uint64_t seen = 0;
    for (int i = 0; i < a->count + b->count; i++) {
        int64_t label = i < a->count ? a->labels[i] : b->labels[i - a->count];
        uint64_t bit = einsum_bit(label);
        if ((others & bit) && !(seen & bit) && out.count < TARN_MAX_NDIM) out.labels[out.count++] = label;
        seen |= bit;
    }
    return out;
}

static tarn_ints labels_of(const einsum_term *t) {
    return (tarn_ints){t->labels, t->count};
}

static tarn_array *pair(const item *a, const item *b, const einsum_term *result) {
    attributes_einsum e = {.left = labels_of(&a->term), .result = labels_of(result)};
    if (b) e.right = labels_of(&b->term);
    return build(OP_einsum, TARN_ARRAYS(a->array, b ? b->array : NULL), b ? 2 : 1, &e);
}

/* Takes a pair out of the list and puts its product last. */
static void apply(item *items, int *count, tarn_einsum_step step, const einsum_term *result) {
    static const einsum_term none;
    item a = items[step.first], b = {0}, made;
    uint64_t others = einsum_bits(result);
    if (step.second >= 0) b = items[step.second];
    for (int i = 0; i < *count; i++)
        if (i != step.first && i != step.second) others |= einsum_bits(&items[i].term);
    bool last = *count <= 2;
    made.term = last ? *result : kept_labels(&a.term, step.second >= 0 ? &b.term : &none, others);
    made.array = pair(&a, step.second >= 0 ? &b : NULL, &made.term);
    int left = 0;
    for (int i = 0; i < *count; i++)
        if (i != step.first && i != step.second) items[left++] = items[i];
    items[left++] = made;
    *count = left;
}

static tarn_array *contract(const einsum_terms *t, tarn_array *const *operands, item *items, tarn_einsum_step *steps) {
    einsum_cost cost;
    int count = t->count, done = count > 1 ? count - 1 : 1;
    for (int i = 0; i < count; i++) items[i] = (item){operands[i], t->terms[i]};
    if (!einsum_plan(t, operands, steps, &cost)) return NULL;
    for (int i = 0; i < done && tarn_ok(); i++) apply(items, &count, steps[i], &t->result);
    return items[0].array;
}

static bool check_operands(const char *subscripts, tarn_array *const *operands, int count) {
    if (!subscripts) return tarn_fail("einsum: the subscripts are NULL");
    return (count > 0 && operands) || tarn_fail("einsum: there is no operand");
}

tarn_array *tarn_einsum(const char *subscripts, tarn_array *const *operands, int count) {
    FRONT("einsum");
    einsum_terms t = {0};
    tarn_array *out = NULL;
    if (!check_operands(subscripts, operands, count) || !front_require(&front_, operands, count)) return NULL;
    item *items = NEW_ARRAY(item, count);
    tarn_einsum_step *steps = NEW_ARRAY(tarn_einsum_step, count);
    if (items && steps && einsum_parse(subscripts, operands, count, &t)) out = contract(&t, operands, items, steps);
    einsum_free(&t);
    memory_free(items);
    memory_free(steps);
    return tarn_ok() ? out : NULL;
}

static bool describe(const char *subscripts, const einsum_cost *c, char **out) {
    text t = {0};
    text_format(&t, "  Complete contraction:  %s\n         Naive scaling:  %d\n     Optimized scaling:  %d\n",
                subscripts, c->naive_scaling, c->scaling);
    text_format(&t, "      Naive FLOP count:  %.0f\n  Optimized FLOP count:  %.0f\n", c->naive_cost, c->cost);
    return (*out = text_take(&t)) != NULL;
}

int tarn_einsum_path(const char *subscripts, tarn_array *const *operands, int count, tarn_einsum_step *steps,
                     char **description) {
    FRONT("einsum_path");
    einsum_terms t = {0};
    einsum_cost cost;
    if (!check_operands(subscripts, operands, count) || !front_require(&front_, operands, count)) return -1;
    if (!steps) return tarn_fail("einsum_path: the list of steps is NULL"), -1;
    bool ok = einsum_parse(subscripts, operands, count, &t) && einsum_plan(&t, operands, steps, &cost) &&
              (!description || describe(subscripts, &cost, description));
    einsum_free(&t);
    return ok ? count > 1 ? count - 1 : 1 : -1;
}
