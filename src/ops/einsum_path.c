/* The order of pairs. Terms are sets of labels; of each label the size is known. */
#include <math.h>

#include "base/memory.h"
#include "ops/einsum.h"

/* A pair that could be next. Terms are told apart by number: those of the operands, then one for each step. */
typedef struct {
    int first, second;
    double removed, cost; /* elements that are there no more */
} candidate;

typedef struct {
    double sizes[64];
    uint64_t *sets, result;
    int *numbers;
    int count, made; /* terms now, and ever */
    candidate *known;
    int known_count;
    double spent, limit; /* a pair that would make the steps dearer than one loop over everything is none */
} planner;

static int bit_count(uint64_t set) {
    return __builtin_popcountll(set);
}

static double size_of(const planner *p, uint64_t set) {
    double size = 1;
    for (; set; set &= set - 1) size *= p->sizes[__builtin_ctzll(set)];
    return size;
}

/* A loop over all labels of a step: a multiplication for each further term, and an addition if it sums. */
static double loop_cost(const planner *p, uint64_t labels, bool sums, int terms) {
    return size_of(p, labels) * ((terms > 2 ? terms - 1 : 1) + sums);
}

static uint64_t others(const planner *p, int i, int j) {
    uint64_t set = p->result;
    for (int k = 0; k < p->count; k++)
        if (k != i && k != j) set |= p->sets[k];
    return set;
}

static void consider(planner *p, int i, int j, bool outer) {
    uint64_t a = p->sets[i], b = p->sets[j], rest = others(p, i, j), all = a | b;
    double cost = loop_cost(p, all, (all & ~rest) != 0, 2);
    if ((!outer && !(a & b)) || p->spent + cost > p->limit) return;
    p->known[p->known_count++] = (candidate){.first = p->numbers[i],
                                             .second = p->numbers[j],
                                             .removed = size_of(p, a) + size_of(p, b) - size_of(p, all & rest),
                                             .cost = cost};
}

/* Pairs that are new: all of the operands, later those with the term made last. */
static void consider_new(planner *p, bool first, bool outer) {
    for (int i = 0; i < p->count - 1; i++)
        for (int j = first ? i + 1 : p->count - 1; j < p->count; j++) consider(p, i, j, outer);
}

static int place_of(const planner *p, int number) {
    int i = 0;
    while (p->numbers[i] != number) i++;
    return i;
}

/* The best pair, of equals the one known longest; pairs that share nothing only if no others are known. */
static tarn_einsum_step choose(planner *p, bool first) {
    consider_new(p, first, false);
    if (p->known_count == 0) consider_new(p, first, true);
    if (p->known_count == 0) {
        p->limit = INFINITY;
        consider_new(p, true, true);
    }
    const candidate *best = p->known;
    for (const candidate *c = p->known; c < p->known + p->known_count; c++)
        if (c->removed > best->removed || (c->removed == best->removed && c->cost < best->cost)) best = c;
    return (tarn_einsum_step){place_of(p, best->first), place_of(p, best->second)};
}

static void forget(planner *p, int a, int b) {
    int left = 0;
    for (int i = 0; i < p->known_count; i++) {
        candidate c = p->known[i];
        if (c.first != a && c.first != b && c.second != a && c.second != b) p->known[left++] = c;
    }
    p->known_count = left;
}

static void take(planner *p, tarn_einsum_step s) {
    uint64_t set = (p->sets[s.first] | p->sets[s.second]) & others(p, s.first, s.second);
    int left = 0;
    forget(p, p->numbers[s.first], p->numbers[s.second]);
    for (int i = 0; i < p->count; i++) {
        if (i == s.first || i == s.second) continue;
        p->numbers[left] = p->numbers[i];
        p->sets[left++] = p->sets[i];
    }
    p->numbers[left] = p->made++;
    p->sets[left++] = set;
    p->count = left;
}

static bool measure(planner *p, const einsum_terms *t, tarn_array *const *operands, einsum_cost *cost) {
    uint64_t all = 0;
    for (int i = 0; i < 64; i++) p->sizes[i] = 1;
    for (int i = 0; i < t->count; i++) {
        p->sets[i] = einsum_bits(&t->terms[i]);
        all |= p->sets[i];
        for (int k = 0; k < t->terms[i].count; k++) {
            double *size = &p->sizes[__builtin_ctzll(einsum_bit(t->terms[i].labels[k]))],
                   here = (double)operands[i]->shape[k];
            if (*size != here && *size != 1 && here != 1)
                return fail_shapes(operands[i], NULL, NULL, "einsum: axis %d of operand %d meets one of %.0f elements",
                                   k, i, *size);
            if (here != 1) *size = here;
        }
    }
    cost->naive_scaling = bit_count(all);
    cost->naive_cost = loop_cost(p, all, (all & ~p->result) != 0, t->count);
    return true;
}

static void plan(planner *p, tarn_einsum_step *steps, einsum_cost *cost) {
    cost->scaling = 0;
    cost->cost = 0;
    for (int done = 0; p->count > 1; done++) {
        tarn_einsum_step s = p->made == 2 ? (tarn_einsum_step){0, 1} : choose(p, done == 0);
        uint64_t all = p->sets[s.first] | p->sets[s.second];
        bool sums = (all & ~others(p, s.first, s.second)) != 0;
        if (bit_count(all) > cost->scaling) cost->scaling = bit_count(all);
        cost->cost += loop_cost(p, all, sums, 2);
        p->spent = cost->cost;
        steps[done] = s;
        take(p, s);
    }
}

/* The planner's lists: every pair of the operands, and of a product with each that is left, at most once. */
static bool lists_new(planner *p, int count) {
    p->sets = NEW_ARRAY(uint64_t, count);
    p->numbers = NEW_ARRAY(int, count);
    p->known = NEW_ARRAY(candidate, 2 * (int64_t)count * count);
    for (int i = 0; p->numbers && i < count; i++) p->numbers[i] = i;
    return p->sets && p->numbers && p->known;
}

bool einsum_plan(const einsum_terms *t, tarn_array *const *operands, tarn_einsum_step *steps, einsum_cost *cost) {
    planner p = {.result = einsum_bits(&t->result), .count = t->count, .made = t->count};
    bool ok = lists_new(&p, t->count) && measure(&p, t, operands, cost);
    if (ok && t->count == 1) {
        steps[0] = (tarn_einsum_step){0, -1};
        cost->scaling = cost->naive_scaling;
        cost->cost = cost->naive_cost;
    } else if (ok) {
        p.limit = cost->naive_cost;
        plan(&p, steps, cost);
    }
    memory_free(p.sets);
    memory_free(p.numbers);
    memory_free(p.known);
    return ok;
}
