/* The hash of the tables: of the text of every row, whatever its columns are. */
#include <string.h>

#include "base/map.h"
#include "table/table.h"

static const char *const rows[] = {
#define DTYPE(...)        "dtype(" #__VA_ARGS__ ")",
#define NAMES(...)        "names(" #__VA_ARGS__ ")",
#define PUBLIC_NAMES(...) "public_names(" #__VA_ARGS__ ")",
#define QUANT_MODE(...)   "quant_mode(" #__VA_ARGS__ ")",
#define QUANT_WIDTH(...)  "quant_width(" #__VA_ARGS__ ")",
#define UNARY(...)        "unary(" #__VA_ARGS__ ")",
#define BINARY(...)       "binary(" #__VA_ARGS__ ")",
#define TERNARY(...)      "ternary(" #__VA_ARGS__ ")",
#define FUSED(...)        "fused(" #__VA_ARGS__ ")",
#define STRUCTURAL(...)   "structural(" #__VA_ARGS__ ")",
#include "table/dtype.def"
#include "table/elementwise.def"
#include "table/fused.def"
#include "table/names.def"
#include "table/quant.def"
#include "table/structural.def"
};

uint64_t table_hash(const void *further, size_t bytes) {
    uint64_t hash = hash_bytes(HASH_START, further, bytes);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) hash = hash_bytes(hash, rows[i], strlen(rows[i]) + 1);
    return hash;
}
