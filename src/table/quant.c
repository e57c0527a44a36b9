/* Quantization formats, as quant.def lists them. */
#include "table/quant.h"

#include <string.h>

#define SCALES   QUANT_SCALES
#define BIASES   QUANT_BIASES
#define GLOBAL   QUANT_GLOBAL
#define NO_PARTS 0
#define FLOATS   (1u << TARN_FLOAT16 | 1u << TARN_BFLOAT16 | 1u << TARN_FLOAT32)
#define BYTES    (1u << TARN_UINT8)
#define MADE     true
#define READ     false

static const quant_fact facts[] = {
#define QUANT_MODE(name, group, bits, parts, dtypes, block, made, doc)                                                 \
    [QUANT_##name] = {#name, doc, group, bits, parts, dtypes, block, made},
#define QUANT_WIDTH(...)
#include "table/quant.def"
#undef QUANT_MODE
#undef QUANT_WIDTH
};

#define QUANT_MODE(name, ...) [QUANT_##name] = #name,
#define QUANT_WIDTH(...)
static const char *const words[] = {
#include "table/quant.def"
};
#undef QUANT_MODE
#undef QUANT_WIDTH
const name_list names_quant_mode = {"quant_mode", (int)(sizeof words / sizeof *words), words};

static const struct {
    quant_mode mode;
    int bits, groups;
} widths[] = {
#define QUANT_MODE(...)
#define QUANT_WIDTH(mode, bits, groups) {QUANT_##mode, bits, groups},
#include "table/quant.def"
#undef QUANT_MODE
#undef QUANT_WIDTH
};
enum { WIDTHS = sizeof widths / sizeof *widths };

const quant_fact *quant_fact_of(quant_mode mode) {
    return &facts[mode];
}

bool quant_tests_ask;

bool quant_find(const char *name, quant_mode *mode) {
    int place;
    if (!name_find(&names_quant_mode, name, &place) || (strncmp(name, "test_", 5) == 0 && !quant_tests_ask))
        return false;
    *mode = (quant_mode)place;
    return true;
}

bool quant_exists(quant_mode mode, int64_t group_size, int64_t bits) {
    bool power = group_size > 0 && (group_size & (group_size - 1)) == 0;
    for (int i = 0; i < WIDTHS && power; i++)
        if (widths[i].mode == mode && widths[i].bits == bits && (widths[i].groups & group_size)) return true;
    return false;
}

/* Widths with the same group sizes stand together. */
bool quant_describe(quant_mode mode, text *out) {
    text_add(out, facts[mode].name);
    int groups = 0;
    for (int i = 0; i < WIDTHS; i++) {
        if (widths[i].mode != mode) continue;
        bool more = i > 0 && widths[i - 1].mode == mode && widths[i - 1].groups == widths[i].groups;
        text_format(out, more ? ", %d" : ": %d", widths[i].bits);
        groups = widths[i].groups;
        bool last = i + 1 == WIDTHS || widths[i + 1].mode != mode || widths[i + 1].groups != groups;
        for (int size = 1, first = 1; last && size <= groups; size *= 2) {
            if (!(groups & size)) continue;
            text_format(out, first ? " bits in groups of %d" : ", %d", size);
            first = 0;
        }
    }
    return !out->failed;
}

int64_t quant_row_entries(quant_mode mode, int64_t group_size, int64_t bits, int64_t width) {
    return facts[mode].block_bytes ? width / group_size * facts[mode].block_bytes
                                   : width / 32 * bits + width % 32 * bits / 32;
}

int64_t quant_row_width(quant_mode mode, int64_t group_size, int64_t bits, int64_t entries) {
    int64_t per = facts[mode].block_bytes ? facts[mode].block_bytes : bits,
            many = facts[mode].block_bytes ? group_size : 32;
    int64_t width = entries / per * many + entries % per * many / per;
    return width % group_size == 0 && quant_row_entries(mode, group_size, bits, width) == entries ? width : -1;
}
