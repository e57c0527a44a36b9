/* The one file that calls zlib. */
#include "io/zip.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"
#include "tarn/error.h"

enum { LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50, END64 = 0x06064b50, LOCATOR64 = 0x07064b50 };
enum {
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    LONGEST_COMMENT = 65535
};
static const uint32_t is_elsewhere = 0xFFFFFFFF; /* a size that stands in a 64-bit field */

/* ---- reading */

static uint64_t number(const char *at, int bytes) {
    uint64_t n = 0;
    for (int i = bytes - 1; i >= 0; i--) n = n << 8 | (unsigned char)at[i];
    return n;
}

typedef struct {
    const char *bytes, *name;
    size_t length;
} archive;

static bool bad(const archive *a, const char *what) {
    return tarn_fail("%s: no zip archive, or a damaged one: %s", a->name, what);
}

static bool lies_inside(const archive *a, uint64_t at, uint64_t count) {
    return at <= a->length && count <= a->length - at;
}

/* The end record is the last thing in the file but for a comment. */
static bool find_end(const archive *a, size_t *at) {
    if (a->length < END_BYTES) return bad(a, "too short");
    size_t last = a->length - END_BYTES, first = last > LONGEST_COMMENT ? last - LONGEST_COMMENT : 0;
    for (*at = last;; --*at) {
        if (number(a->bytes + *at, 4) == END) return true;
        if (*at == first) return bad(a, "no end of the directory");
    }
}

static bool find_directory(const archive *a, uint64_t *begin, uint64_t *count) {
    size_t end = 0;
    if (!find_end(a, &end)) return false;
    *count = number(a->bytes + end + 10, 2);
    *begin = number(a->bytes + end + 16, 4);
    bool wide = *count == 0xFFFF || *begin == is_elsewhere;
    if (!wide || end < LOCATOR_BYTES || number(a->bytes + end - LOCATOR_BYTES, 4) != LOCATOR64) return true;
    uint64_t at = number(a->bytes + end - LOCATOR_BYTES + 8, 8);
    if (!lies_inside(a, at, END64_BYTES) || number(a->bytes + at, 4) != END64) return bad(a, "its 64-bit end");
    *count = number(a->bytes + at + 32, 8);
    *begin = number(a->bytes + at + 48, 8);
    return true;
}

/* The 64-bit values of an entry whose short fields say that they are there, in this order. */
static bool read_wide(const archive *a, const char *extra, size_t length, uint64_t *const values[3]) {
    while (length >= 4) {
        uint64_t id = number(extra, 2), size = number(extra + 2, 2);
        if (size > length - 4) break;
        if (id == 1) {
            const char *at = extra + 4;
            for (int i = 0; i < 3; i++) {
                if (*values[i] != is_elsewhere) continue;
                if (extra + 4 + size - at < 8) return bad(a, "a 64-bit size");
                *values[i] = number(at, 8);
                at += 8;
            }
            return true;
        }
        extra += 4 + size;
        length -= 4 + (size_t)size;
    }
    return true;
}

/* Its local header says where the bytes begin. */
static bool place_entry(const archive *a, zip_entry *e, uint64_t local) {
    if (!lies_inside(a, local, LOCAL_BYTES) || number(a->bytes + local, 4) != LOCAL) return bad(a, "an entry's header");
    uint64_t begin = local + LOCAL_BYTES + number(a->bytes + local + 26, 2) + number(a->bytes + local + 28, 2);
    if (!lies_inside(a, begin, e->packed)) return bad(a, "an entry goes beyond the end (truncated?)");
    e->offset = (size_t)begin;
    /* deflate makes at most 1032 bytes of one */
    if (e->deflated ? e->size / 1040 > e->packed : e->size != e->packed) return bad(a, "the sizes of an entry");
    return true;
}

static bool read_entry(const archive *a, zip_directory *d, uint64_t *at) {
    if (!lies_inside(a, *at, CENTRAL_BYTES) || number(a->bytes + *at, 4) != CENTRAL) return bad(a, "its directory");
    const char *h = a->bytes + *at;
    size_t name = (size_t)number(h + 28, 2), extra = (size_t)number(h + 30, 2), comment = (size_t)number(h + 32, 2);
    uint64_t method = number(h + 10, 2), local = number(h + 42, 4);
    zip_entry e = {.checksum = (uint32_t)number(h + 16, 4), .packed = number(h + 20, 4), .size = number(h + 24, 4)};
    if (!lies_inside(a, *at + CENTRAL_BYTES, name + extra + comment)) return bad(a, "its directory");
    if (number(h + 8, 2) & 1) return tarn_fail("%s: an entry is encrypted", a->name);
    if (method != 0 && method != 8) return tarn_fail("%s: packing method %d is not supported", a->name, (int)method);
    e.deflated = method == 8;
    if (!read_wide(a, h + CENTRAL_BYTES + name, extra, (uint64_t *const[]){&e.size, &e.packed, &local})) return false;
    if (!place_entry(a, &e, local)) return false;
    if (memchr(h + CENTRAL_BYTES, 0, name)) return bad(a, "a name with a NUL");
    if (!(e.name = memory_new(name + 1, 1))) return false;
    memcpy(e.name, h + CENTRAL_BYTES, name);
    *at += CENTRAL_BYTES + name + extra + comment;
    return vector_push(d, e) || (memory_free(e.name), false);
}

bool zip_parse(const char *bytes, size_t length, const char *name, zip_directory *d) {
    archive a = {bytes, name, length};
    uint64_t at = 0, count = 0;
    *d = (zip_directory){0};
    bool ok = find_directory(&a, &at, &count);
    for (uint64_t i = 0; ok && i < count; i++) ok = read_entry(&a, d, &at);
    if (!ok) zip_free(d);
    return ok;
}

void zip_free(zip_directory *d) {
    for (size_t i = 0; i < d->count; i++) memory_free(d->items[i].name);
    vector_free(d);
}

static uint32_t checksum_of(uint32_t sum, const void *bytes, size_t length) {
    return (uint32_t)crc32_z(sum, bytes, length);
}

/* zlib counts in unsigned int. */
static uInt piece(uint64_t left) {
    return left > UINT_MAX ? UINT_MAX : (uInt)left;
}

static bool inflate_all(z_stream *z, uint64_t packed, uint64_t size) {
    int state = Z_OK;
    while (state == Z_OK) {
        if (z->avail_in == 0) packed -= z->avail_in = piece(packed);
        if (z->avail_out == 0) size -= z->avail_out = piece(size);
        state = inflate(z, Z_NO_FLUSH);
        if (state == Z_BUF_ERROR && (packed || size)) state = Z_OK;
    }
    return state == Z_STREAM_END && size == 0 && z->avail_out == 0;
}

bool zip_inflate(const char *bytes, const zip_entry *e, const char *name, void *out) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)(bytes + e->offset), .next_out = out};
    unsigned char nothing;
    if (e->size == 0) z.next_out = &nothing;
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK) return tarn_fail_kind(TARN_ERROR_MEMORY, "%s: out of memory", name);
    bool ok = inflate_all(&z, e->packed, e->size);
    inflateEnd(&z);
    if (ok && checksum_of(0, out, (size_t)e->size) == e->checksum) return true;
    return tarn_fail("%s: entry '%s' of the zip archive is damaged", name, e->name);
}

/* ---- writing */

static void put(text *t, uint64_t n, int bytes) {
    for (int i = 0; i < bytes; i++) text_add_char(t, (char)(n >> (8 * i)));
}

/* What both headers of an entry have: version, flags (UTF-8 names), method, the first of January 1980, sizes. */
static void put_entry(text *t, const zip_entry *e) {
    bool wide = e->size >= is_elsewhere || e->packed >= is_elsewhere;
    put(t, wide ? 45 : 20, 2);
    put(t, 0x800, 2);
    put(t, e->deflated ? 8 : 0, 2);
    put(t, 0, 2);
    put(t, 33, 2);
    put(t, e->checksum, 4);
    put(t, wide ? is_elsewhere : e->packed, 4);
    put(t, wide ? is_elsewhere : e->size, 4);
    put(t, strlen(e->name), 2);
}

static bool write_local(zip_writer *w, const zip_entry *e) {
    text t = {0};
    bool wide = e->size >= is_elsewhere || e->packed >= is_elsewhere;
    put(&t, LOCAL, 4);
    put_entry(&t, e);
    put(&t, wide ? 20 : 0, 2);
    text_add(&t, e->name);
    if (wide) put(&t, 1, 2), put(&t, 16, 2), put(&t, e->size, 8), put(&t, e->packed, 8);
    bool ok = t.bytes && file_write(w->file, t.bytes, t.length);
    w->at += t.length;
    text_free(&t);
    return ok;
}

/* The two pieces packed into one block; its length in e->packed. */
static char *deflated(zip_entry *e, const zip_piece pieces[2]) {
    z_stream z = {0};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return tarn_fail_kind(TARN_ERROR_MEMORY, "out of memory"), NULL;
    uint64_t room = e->size + e->size / 1000 + 64 + 5 * (e->size / 16000), left = room;
    char *block = memory_new((size_t)room, 1);
    z.next_out = (Bytef *)block;
    for (int i = 0; block && i < 2; i++) {
        uint64_t in = pieces[i].length;
        z.next_in = (Bytef *)(uintptr_t)pieces[i].bytes;
        for (int state = Z_OK; state == Z_OK;) {
            if (z.avail_in == 0) in -= z.avail_in = piece(in);
            if (z.avail_out == 0) left -= z.avail_out = piece(left);
            bool last = i == 1 && in == 0;
            if (!last && z.avail_in == 0) break;
            state = deflate(&z, last ? Z_FINISH : Z_NO_FLUSH);
        }
    }
    e->packed = room - left - z.avail_out;
    deflateEnd(&z);
    return block;
}

bool zip_add(zip_writer *w, const char *name, const zip_piece pieces[2], bool packed) {
    zip_entry e = {.deflated = packed, .offset = (size_t)w->at, .size = pieces[0].length + pieces[1].length};
    if (strlen(name) > UINT16_MAX) return tarn_fail("%s: a name of more than 65535 bytes", w->file->path);
    e.checksum = checksum_of(checksum_of(0, pieces[0].bytes, pieces[0].length), pieces[1].bytes, pieces[1].length);
    e.packed = e.size;
    char *block = packed ? deflated(&e, pieces) : NULL;
    bool ok = (!packed || block) && (e.name = memory_copy(name, strlen(name) + 1)) && write_local(w, &e);
    if (ok && packed) ok = file_write(w->file, block, (size_t)e.packed);
    for (int i = 0; ok && !packed && i < 2; i++) ok = file_write(w->file, pieces[i].bytes, pieces[i].length);
    w->at += e.packed;
    memory_free(block);
    ok = ok && vector_push(&w->directory, e);
    if (!ok) memory_free(e.name);
    return ok;
}

static void put_central(text *t, const zip_entry *e) {
    bool wide = e->size >= is_elsewhere || e->packed >= is_elsewhere, far = e->offset >= is_elsewhere;
    put(t, CENTRAL, 4);
    put(t, 0x0300 | 45, 2);
    put_entry(t, e);
    put(t, (wide ? 16U : 0) + (far ? 8U : 0) + (wide || far ? 4U : 0), 2);
    put(t, 0, 2 + 2 + 2); /* comment, disk, internal attributes */
    put(t, (uint64_t)0600 << 16, 4);
    put(t, far ? is_elsewhere : e->offset, 4);
    text_add(t, e->name);
    if (wide || far) put(t, 1, 2), put(t, (wide ? 16U : 0) + (far ? 8U : 0), 2);
    if (wide) put(t, e->size, 8), put(t, e->packed, 8);
    if (far) put(t, e->offset, 8);
}

static void put_end64(text *t, uint64_t count, uint64_t bytes, uint64_t begin) {
    put(t, END64, 4);
    put(t, END64_BYTES - 12, 8);
    put(t, 0x0300 | 45, 2);
    put(t, 45, 2);
    put(t, 0, 8); /* disks */
    put(t, count, 8);
    put(t, count, 8);
    put(t, bytes, 8);
    put(t, begin, 8);
    put(t, LOCATOR64, 4);
    put(t, 0, 4);
    put(t, begin + bytes, 8);
    put(t, 1, 4);
}

bool zip_finish(zip_writer *w) {
    text t = {0};
    uint64_t count = w->directory.count, begin = w->at;
    for (size_t i = 0; i < count; i++) put_central(&t, &w->directory.items[i]);
    uint64_t bytes = t.length;
    bool wide = count >= 0xFFFF || begin >= is_elsewhere || bytes >= is_elsewhere;
    if (wide) put_end64(&t, count, bytes, begin);
    put(&t, END, 4);
    put(&t, 0, 4);
    put(&t, wide ? 0xFFFF : count, 2);
    put(&t, wide ? 0xFFFF : count, 2);
    put(&t, wide ? is_elsewhere : bytes, 4);
    put(&t, wide ? is_elsewhere : begin, 4);
    bool ok = text_add_char(&t, 0) && text_add_char(&t, 0) && file_write(w->file, t.bytes, t.length);
    text_free(&t);
    return ok;
}
