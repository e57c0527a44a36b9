/* Functions to files: the graph as JSON in the notes of a safetensors file, the captured arrays as its tensors. */
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "export/function_file.h"
#include "tarn/io.h"

void file_checksum(const char *graph, const char *metadata, char digits[FILE_CHECKSUM]) {
    uint64_t hash = hash_bytes(hash_bytes(HASH_START, graph, strlen(graph)), metadata, strlen(metadata));
    snprintf(digits, FILE_CHECKSUM, "%016llx", (unsigned long long)hash);
}

typedef struct {
    text out;
    map *places; /* of captured arrays, by address */
    VECTOR(tarn_array *) captured;
} writer;

/* ---- parts of the graph */

static void write_numbers(text *out, const int64_t *numbers, int64_t count) {
    text_add(out, "[");
    for (int64_t i = 0; i < count; i++) text_format(out, i ? ",%lld" : "%lld", (long long)numbers[i]);
    text_add(out, "]");
}

static void write_type(text *out, const array_type *t) {
    text_format(out, "\"dtype\":\"%s\",\"shape\":", dtype_facts[t->dtype].name);
    write_numbers(out, t->shape, t->ndim);
}

static void write_free_axes(text *out, uint32_t axes) {
    int64_t list[TARN_MAX_NDIM], count = 0;
    for (int k = 0; k < TARN_MAX_NDIM; k++)
        if (axes >> k & 1) list[count++] = k;
    text_add(out, ",\"any\":");
    write_numbers(out, list, count);
}

static void write_inputs(text *out, const signature *s) {
    text_add(out, "\"inputs\":[");
    for (int i = 0; i < s->graph.input_count; i++) {
        const char *name = signature_name(s, i);
        text_add(out, i ? ",{" : "{");
        if (name) {
            text_add(out, "\"name\":");
            json_write_string(out, name, strlen(name), false);
            text_add(out, ",");
        }
        write_type(out, &s->graph.types.items[i]);
        if (s->free.items[i]) write_free_axes(out, s->free.items[i]);
        text_add(out, "}");
    }
    text_add(out, "]");
}

static void write_outputs(text *out, const recording *r) {
    text_add(out, ",\"outputs\":[");
    for (size_t i = 0; i < r->outputs.count; i++) {
        int64_t value = r->outputs.items[i];
        text_format(out, i ? ",{\"value\":%lld," : "{\"value\":%lld,", (long long)value);
        write_type(out, &r->types.items[value]);
        text_add(out, "}");
    }
    text_add(out, "]");
}

static bool write_step(text *out, const recording *r, const recorded_step *step) {
    if (op_has_flag(step->op, OP_EFFECT) || attributes_have_object(step->op))
        return tarn_fail("export: the function uses %s, which cannot be in a file", op_name(step->op));
    text_format(out, "{\"op\":\"%s\",\"inputs\":", op_name(step->op));
    write_numbers(out, r->inputs.items + step->first_input, step->input_count);
    if (step->output_count != 1) text_format(out, ",\"outputs\":%d", step->output_count);
    if (step->attributes) {
        text_add(out, ",\"attributes\":");
        if (!attributes_write(step->op, step->attributes, out)) return false;
    }
    return text_add(out, "}");
}

static bool write_steps(text *out, const recording *r) {
    text_add(out, ",\"steps\":[");
    for (size_t i = 0; i < r->steps.count; i++) {
        if (i) text_add(out, ",");
        if (!write_step(out, r, &r->steps.items[i])) return false;
    }
    return text_add(out, "]");
}

/* The array's place among the tensors: each is there once. */
static bool place_of(writer *w, tarn_array *a, uint64_t *place) {
    if (map_get_pointer(w->places, a, place)) return true;
    *place = w->captured.count;
    return vector_push(&w->captured, a) && map_set_pointer(w->places, a, *place);
}

static bool write_captured(writer *w, const recording *r) {
    uint64_t place;
    text_add(&w->out, ",\"captured\":[");
    for (size_t i = 0; i < r->captured.count; i++) {
        if (!place_of(w, r->captured.items[i], &place)) return false;
        text_format(&w->out, i ? ",%llu" : "%llu", (unsigned long long)place);
    }
    return text_add(&w->out, "]");
}

static bool write_signature(writer *w, const signature *s) {
    text_add(&w->out, "{");
    write_inputs(&w->out, s);
    if (!write_captured(w, &s->graph) || !write_steps(&w->out, &s->graph)) return false;
    write_outputs(&w->out, &s->graph);
    return text_add(&w->out, "}");
}

static bool write_tensors(writer *w) {
    text_add(&w->out, "],\"captured\":[");
    for (size_t i = 0; i < w->captured.count; i++) {
        array_type type = array_type_of(w->captured.items[i]);
        text_add(&w->out, i ? ",{" : "{");
        write_type(&w->out, &type);
        text_add(&w->out, "}");
    }
    return text_add(&w->out, "]}");
}

static bool write_graph(writer *w, const function_file *f) {
    text_add(&w->out, "{\"signatures\":[");
    for (size_t i = 0; i < f->signatures.count; i++) {
        if (i) text_add(&w->out, ",");
        if (!write_signature(w, &f->signatures.items[i])) return false;
    }
    return write_tensors(w);
}

/* ---- the file */

enum { NAME_ROOM = 32 };

static bool save(const writer *w, const function_file *f) {
    char checksum[FILE_CHECKSUM];
    size_t count = w->captured.count;
    tarn_named_array *arrays = NEW_ARRAY(tarn_named_array, count);
    char(*names)[NAME_ROOM] = memory_new(count, NAME_ROOM);
    file_checksum(w->out.bytes, f->metadata, checksum);
    const tarn_pair notes[] = {{"format", FILE_FORMAT},
                               {"version", FILE_VERSION},
                               {"metadata", f->metadata},
                               {"checksum", checksum},
                               {"graph", w->out.bytes}};
    for (size_t i = 0; arrays && names && i < count; i++) {
        snprintf(names[i], NAME_ROOM, FILE_TENSOR_NAME, i);
        arrays[i] = (tarn_named_array){names[i], w->captured.items[i]};
    }
    bool ok = arrays && names &&
              tarn_save_safetensors(f->path, arrays, (int64_t)count, .metadata = notes,
                                    .metadata_count = sizeof notes / sizeof *notes);
    memory_free(arrays);
    memory_free(names);
    return ok;
}

bool function_file_write(const function_file *f) {
    TARN_SCOPE;
    writer w = {.places = map_new()};
    bool ok = w.places && write_graph(&w, f) && save(&w, f);
    text_free(&w.out);
    map_free(w.places);
    vector_free(&w.captured);
    return ok;
}
