/* Every row of elementwise.def through every transform; a new row is tested without an edit here. */
#include "transform_matrix.h"

static bool call_row(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    return tarn_result(results, build((op_id)(intptr_t)context, inputs, count, NULL));
}

static double draw(test_domain domain) {
    double low = 0.25, high = 3.0, x;
    switch (domain) {
    case DOMAIN_POSITIVE:
        return random_between(0.1, 4);
    case DOMAIN_UNIT:
        return random_between(-0.95, 0.95);
    case DOMAIN_ABOVE1:
        return random_between(1.25, 4);
    case DOMAIN_SMALL:
        return random_between(0, 7);
    case DOMAIN_NONZERO:
        x = random_between(low, high);
        return random_unit() < 0.5 ? -x : x;
    case DOMAIN_ANY:
    case DOMAIN_TRUTHS:
        break;
    }
    return random_between(-2.4, 2.4);
}

static tarn_array *draw_array(test_domain domain, tarn_ints shape, tarn_dtype dtype) {
    int64_t size = dtype == TARN_COMPLEX64 ? 2 : 1;
    for (int64_t i = 0; i < shape.count; i++) size *= shape.values[i];
    numbers n = {size, calloc((size_t)size, sizeof(double))};
    for (int64_t i = 0; i < size; i++) n.at[i] = draw(domain);
    for (int64_t i = 0; i < size && dtype == TARN_INT32; i++)
        n.at[i] = domain == DOMAIN_NONZERO && fabs(n.at[i]) < 1 ? 1 : trunc(n.at[i]);
    for (int64_t i = 0; i < size && dtype == TARN_BOOL; i++) n.at[i] = n.at[i] > 0;
    tarn_array *a = array_of(n, shape, dtype);
    free(n.at);
    return a;
}

static void check_row(op_id op, tarn_dtype dtype) {
    TARN_SCOPE;
    /* the first input is broadcast along one axis, the second along another, the third along both */
    static const int64_t shapes[3][2] = {{2, 3}, {1, 3}, {2, 1}};
    const op_fact *f = &op_facts[op];
    test_case c = {.call = call_row, .context = (void *)(intptr_t)op, .outputs = 1, .count = f->least_inputs};
    snprintf(c.name, sizeof c.name, "%s %s", f->name, tarn_dtype_name(dtype));
    for (int i = 0; i < c.count; i++) {
        bool truth = f->inputs == INPUTS_CHOICE && i == 0;
        tarn_ints shape = i == 1 ? (tarn_ints){&shapes[1][1], 1} : (tarn_ints){shapes[i], 2};
        c.inputs[i] = draw_array(truth ? DOMAIN_ANY : f->domain, shape, truth ? TARN_BOOL : dtype);
    }
    matrix_case(&c);
}

int main(int count, char **arguments) {
    choose_part(count, arguments);
    if (!choose_device(true)) return puts("skipped: no mock device"), 77;
    static const tarn_dtype dtypes[] = {
        [KIND_BOOL] = TARN_BOOL, [KIND_INT] = TARN_INT32, [KIND_FLOAT] = TARN_FLOAT64, [KIND_COMPLEX] = TARN_COMPLEX64};
    int rows = 0;
    for (int op = 0; op < OP_COUNT; op++) {
        if (!op_is_elementwise((op_id)op) || !is_of_part()) continue;
        rows++;
        random_begin(op_name((op_id)op));
        for (int kind = KIND_BOOL; kind <= KIND_COMPLEX; kind++)
            if (op_facts[op].kinds & 1u << kind) check_row((op_id)op, dtypes[kind]);
    }
    if (is_whole()) matrix_report(true);
    printf("%d rows: ", rows);
    return report();
}
