/* Memory as MLX reports it: of the default device, limits with the value before. */
#include "special.h"

#include <sys/utsname.h>
#include <unistd.h>

static tarn_memory memory_now(void) {
    tarn_memory info = {0};
    tarn_memory_info(tarn_default_device(), &info);
    return info;
}

int64_t active_memory(void) {
    return memory_now().active;
}
int64_t peak_memory(void) {
    return memory_now().peak_active;
}
int64_t cache_memory(void) {
    return memory_now().cached;
}

static int64_t physical_memory(void) {
    return (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE);
}

/* Where there is no limit, the memory that there is. */
int64_t memory_limit(void) {
    int64_t limit = memory_now().limit;
    return limit ? limit : physical_memory();
}

static bool check_limit(const char *function, int64_t limit) {
    if (limit < 0) PyErr_Format(PyExc_TypeError, "%s(): limit must not be negative", function);
    return limit >= 0;
}

int64_t set_memory_limit(int64_t limit) {
    int64_t before = memory_limit();
    if (check_limit("set_memory_limit", limit)) tarn_set_memory_limit(tarn_default_device(), limit);
    return before;
}

int64_t set_cache_limit(int64_t limit) {
    static int64_t current = -1;
    int64_t before = current < 0 ? memory_limit() : current; /* what is not said is bounded by the memory */
    if (check_limit("set_cache_limit", limit)) tarn_set_cache_limit(tarn_default_device(), current = limit);
    return before;
}

/* Memory that is wired is Metal's. */
int64_t set_wired_limit(int64_t limit) {
    return check_limit("set_wired_limit", limit), 0;
}

/* ---- the bytes of buffers, each counted once: an array's are those from where its buffer begins to its last element
 */

typedef struct {
    const char *begin, *end;
} extent;

static bool extent_of(tarn_array *a, extent *found) {
    tarn_layout layout;
    int64_t bytes = tarn_dtype_bytes(tarn_dtype_of(a)), last = 0;
    if (!tarn_is_computed(a))
        return tarn_fail("[get_array_buffer_size] Arrays must be evaluated before querying buffer size.");
    tarn_pinned *pin = tarn_pin(a, &layout);
    if (!pin) return false;
    for (int i = 0; i < tarn_ndim(a); i++)
        if (layout.strides[i] > 0) last += (tarn_dim(a, i) - 1) * layout.strides[i];
    found->begin = (const char *)layout.data - layout.offset * bytes;
    found->end = tarn_size(a) ? (const char *)layout.data + (last + 1) * bytes : found->begin;
    return tarn_unpin(pin), true;
}

static int64_t total(const extent *extents, int count) {
    int64_t bytes = 0;
    for (int i = 0; i < count; i++) {
        const char *end = extents[i].end;
        bool first = true;
        for (int k = 0; k < count; k++)
            if (extents[k].begin == extents[i].begin)
                first = first && k >= i, end = extents[k].end > end ? extents[k].end : end;
        bytes += first ? end - extents[i].begin : 0;
    }
    return bytes;
}

int64_t buffer_bytes(PyObject *trees) {
    leaf_list leaves CLEANUP(drop_leaves) = {0};
    if (!tree_leaves(trees, &leaves, false)) return 0;
    extent *extents = PyMem_Calloc((size_t)leaves.count + 1, sizeof *extents);
    bool good = extents != NULL;
    for (int i = 0; good && i < leaves.count; i++) good = extent_of(leaves.list[i], &extents[i]);
    int64_t bytes = good ? total(extents, leaves.count) : 0;
    PyMem_Free(extents);
    return bytes;
}

/* ---- what a device is */

static void find_processor(char *name, size_t size) {
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    snprintf(name, size, "unknown");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "model name : %127[^\n]", name) == 1) break;
    if (file) fclose(file);
}

PyObject *device_info(PyObject *where) {
    struct utsname machine;
    char processor[128];
    tarn_device device = tarn_default_device();
    if (where && where != Py_None && !device_of_object(where, &device)) return NULL;
    if (device.type != TARN_CPU) return PyDict_New();
    find_processor(processor, sizeof processor);
    return Py_BuildValue("{sssssL}", "architecture", uname(&machine) == 0 ? machine.machine : "unknown", "device_name",
                         processor, "memory_size", (long long)physical_memory());
}
