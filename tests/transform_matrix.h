/* Which ops went through which checks of transform_checks.h: a line for each op, with how many checks its cases had,
   and no hole without a reason. Each case is run as it is, and on the CPU
   again over float64 and over complex numbers where it takes them. */
#ifndef TESTS_TRANSFORM_MATRIX_H
#define TESTS_TRANSFORM_MATRIX_H

#include "ops/graph.h"
#include "ops/trace_function.h"
#include "transform_checks.h"

enum { MATRIX_F64, MATRIX_COMPLEX, MATRIX_OTHER, MATRIX_DTYPES };

typedef struct {
    bool seen, passes; /* stands in a case; a gradient passes it wherever floats go in and come out */
    int64_t gradient[MATRIX_DTYPES], count[TALLIES];
    char refusal[MATRIX_DTYPES][96]; /* of a case that does not take the dtype */
    const char *elsewhere;           /* what tests its gradient instead */
} matrix_line;
static matrix_line matrix[OP_COUNT];

static inline bool passes_gradient(const node *n, int i) {
    const op_rules *r = rules_of(n->op);
    return has_gradient(n->inputs[i]) && !r->no_vjp && (!r->passes || r->passes(n, i));
}

static inline bool node_passes(const node *n) {
    bool in = false, out = false;
    for (int i = 0; i < n->input_count; i++) in = in || (n->inputs[i] && passes_gradient(n, i));
    for (int k = 0; k < n->output_count; k++) out = out || has_gradient(&n->outputs[k]);
    return in && out;
}

static inline int matrix_dtype(const test_case *c) {
    int dtype = MATRIX_F64;
    for (int i = 0; i < c->count; i++)
        if (is_complex(c->inputs[i])) return MATRIX_COMPLEX;
    for (int i = 0; i < c->count; i++)
        if (is_float(c->inputs[i]) && tarn_dtype_of(c->inputs[i]) != TARN_FLOAT64) dtype = MATRIX_OTHER;
    return dtype;
}

/* What to do with each op between inputs and outputs: all of them, or those that gradients of this case reach. */
typedef void (*matrix_visit)(const test_case *c, const node *n, const char *message);

static inline void visit_ops(const test_case *c, bool reached, matrix_visit visit, const char *message) {
    TARN_SCOPE;
    traced_function t;
    graph g;
    if (!traced_begin(&t, "matrix", function_of(c), c->inputs, c->count, NULL)) {
        trouble(c, "its trace");
        return;
    }
    if (graph_make(&g, t.inputs, t.input_count, t.outputs, t.output_count, reached ? passes_gradient : NULL))
        for (size_t s = 0; s < g.steps.count; s++) visit(c, g.steps.items[s].node, message);
    trouble(c, "its graph");
    graph_free(&g);
    traced_end(&t);
}

static inline void note_seen(const test_case *c, const node *n, const char *message) {
    matrix_line *line = &matrix[n->op];
    (void)c, (void)message;
    line->seen = true;
    line->passes = line->passes || node_passes(n);
    for (int kind = TALLY_BATCH; kind < TALLIES; kind++) line->count[kind] += tally[kind];
}

static inline void note_reached(const test_case *c, const node *n, const char *message) {
    matrix_line *line = &matrix[n->op];
    (void)message;
    if (!node_passes(n)) return;
    line->gradient[matrix_dtype(c)] += tally[TALLY_GRADIENT];
    for (int kind = TALLY_GRADIENT; kind < TALLY_BATCH; kind++) line->count[kind] += tally[kind];
}

static inline void note_refused_f64(const test_case *c, const node *n, const char *message) {
    (void)c;
    snprintf(matrix[n->op].refusal[MATRIX_F64], sizeof matrix->refusal[0], "%s", message);
}
static inline void note_refused_complex(const test_case *c, const node *n, const char *message) {
    (void)c;
    snprintf(matrix[n->op].refusal[MATRIX_COMPLEX], sizeof matrix->refusal[0], "%s", message);
}

static inline void matrix_case(const test_case *c) {
    memset(tally, 0, sizeof tally);
    check_transforms(c);
    visit_ops(c, false, note_seen, NULL);
    visit_ops(c, true, note_reached, NULL);
}

/* The inputs that are floats, at this dtype; complex ones are drawn anew. */
static inline void convert_inputs(test_case *c, tarn_dtype dtype) {
    random_begin(c->name);
    for (int i = 0; i < c->count; i++) {
        if (!is_float(c->inputs[i])) continue;
        tarn_array *x = tarn_astype(c->inputs[i], dtype);
        tarn_eval(c->inputs[i] = dtype == TARN_FLOAT64 ? x : random_like(x));
    }
}

/* Whether the function takes these inputs; else what it says. */
static inline bool takes(const test_case *c, char *refusal, size_t size) {
    TARN_SCOPE;
    tarn_array *outputs[MOST] = {NULL};
    if (into(outputs, tarn_call(function_of(c), c->inputs, c->count)) && tarn_eval_all(outputs, c->outputs))
        return true;
    snprintf(refusal, size, "%s", tarn_error());
    tarn_clear_error();
    return false;
}

static bool matrix_narrow; /* a gradient goes through fewer digits than the case has */
static inline void note_narrow(const test_case *c, const node *n, const char *message) {
    (void)message;
    for (int k = 0; k < n->output_count; k++) {
        tarn_dtype dtype = n->outputs[k].dtype;
        bool full = matrix_dtype(c) == MATRIX_F64 ? dtype == TARN_FLOAT64 : dtype >= TARN_FLOAT32;
        if (has_gradient(&n->outputs[k]) && !full) matrix_narrow = true;
    }
}

static inline void matrix_variant(const test_case *c, tarn_dtype dtype) {
    TARN_SCOPE;
    test_case other = *c;
    char refusal[96] = "other ops stand for it";
    snprintf(other.name, sizeof other.name, "%.70s of %s", c->name, tarn_dtype_name(dtype));
    convert_inputs(&other, dtype);
    bool taken = takes(&other, refusal, sizeof refusal);
    matrix_narrow = false;
    if (taken) visit_ops(&other, true, note_narrow, NULL);
    if (matrix_narrow) snprintf(refusal, sizeof refusal, "it is computed in fewer digits");
    if (taken && !matrix_narrow) matrix_case(&other);
    visit_ops(c, false, dtype == TARN_FLOAT64 ? note_refused_f64 : note_refused_complex, refusal);
}

/* A case at its own dtype and at the others. */
static inline void matrix_run(const test_case *c) {
    bool floats = false;
    for (int i = 0; i < c->count; i++) floats = floats || is_float(c->inputs[i]);
    matrix_case(c);
    if (!floats || !is_on_cpu() || matrix_dtype(c) == MATRIX_COMPLEX) return;
    if (matrix_dtype(c) == MATRIX_OTHER) matrix_variant(c, TARN_FLOAT64);
    matrix_variant(c, TARN_COMPLEX64);
}

/* ---- the matrix, for people to see; a hole without a reason is a failure */

static inline void print_count(int64_t count) {
    if (count)
        printf(" %8lld", (long long)count);
    else
        printf(" %8s", "-");
}

static inline void print_line(op_id op) {
    const matrix_line *line = &matrix[op];
    printf("%-24s", op_name(op));
    for (int i = 0; i < MATRIX_DTYPES; i++) print_count(line->gradient[i]);
    for (int kind = TALLY_TANGENT; kind < TALLIES; kind++) print_count(line->count[kind]);
    puts("");
}

static inline void explain(op_id op, const char *what, bool there, const char *reason) {
    checks++;
    if (there) return;
    if (!reason || !*reason) failures++;
    printf("    %s of %s: %s\n", what, op_name(op), reason && *reason ? reason : "a HOLE without a reason");
}

static inline const char *complex_refusal(op_id op) {
    bool row = op_is_elementwise(op) && !(op_facts[op].kinds & 1u << KIND_COMPLEX);
    return row ? "its row takes no complex numbers" : matrix[op].refusal[MATRIX_COMPLEX];
}

static inline void explain_gradients(op_id op) {
    const matrix_line *line = &matrix[op];
    const op_rules *r = rules_of(op);
    bool any = line->gradient[MATRIX_F64] + line->gradient[MATRIX_COMPLEX] + line->gradient[MATRIX_OTHER] > 0;
    const char *stops = r->no_vjp ? r->no_vjp : line->passes ? NULL : "no gradient passes it";
    explain(op, "gradient", any, line->elsewhere ? line->elsewhere : stops);
    if (!any) return;
    explain(op, "gradient in float64", line->gradient[MATRIX_F64] > 0, line->refusal[MATRIX_F64]);
    explain(op, "gradient in complex64", line->gradient[MATRIX_COMPLEX] > 0, complex_refusal(op));
    explain(op, "tangent", line->count[TALLY_TANGENT] > 0, NULL);
    explain(op, "gradient of the gradient", line->count[TALLY_SECOND] > 0, NULL);
}

static inline void explain_line(op_id op) {
    const matrix_line *line = &matrix[op];
    explain(op, "any case", line->seen, NULL);
    explain_gradients(op);
    explain(op, "batch", line->count[TALLY_BATCH] > 0, rules_of(op)->no_vmap);
    explain(op, "plan", line->count[TALLY_COMPILED] > 0, NULL);
    explain(op, "file", line->count[TALLY_EXPORTED] > 0, NULL);
}

/* Ops of the tests' own, kernels of users, of which nothing is known, and ops without inputs, which no transform ever
   meets, have no line. */
static inline bool has_line(op_id op, bool elementwise) {
    return op_is_elementwise(op) == elementwise && op_facts[op].most_inputs > 0 && !op_has_flag(op, OP_LEAF) &&
           op != OP_device_kernel && strncmp(op_name(op), "test_", 5) != 0;
}

static inline void matrix_report(bool elementwise) {
    if (!is_on_cpu()) return;
    printf("%-24s %8s %8s %8s %8s %8s %8s %8s %8s\n", "checks", "f64", "complex", "other", "tangent", "second", "vmap",
           "compile", "export");
    for (int op = 0; op < OP_COUNT; op++)
        if (has_line((op_id)op, elementwise)) print_line((op_id)op);
    puts("without checks:");
    for (int op = 0; op < OP_COUNT; op++)
        if (has_line((op_id)op, elementwise)) explain_line((op_id)op);
}

#endif
