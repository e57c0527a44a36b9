/* Zip archives (PKWARE's APPNOTE.TXT, with its 64-bit sizes): entries stored or deflated. */
#ifndef IO_ZIP_H
#define IO_ZIP_H

#include "base/files.h"

typedef struct {
    char *name;
    bool deflated;
    uint32_t checksum;     /* CRC-32 of the contents */
    size_t offset;         /* of the bytes, in the whole file */
    uint64_t packed, size; /* bytes in the file, and of the contents */
} zip_entry;

typedef struct {
    zip_entry *items;
    size_t count, capacity;
} zip_directory;

/* The entries of an archive in memory, each inside it; errors name it. */
bool zip_parse(const char *bytes, size_t length, const char *name, zip_directory *directory);
void zip_free(zip_directory *directory);
/* The contents of a deflated entry into e->size bytes; checked. */
bool zip_inflate(const char *bytes, const zip_entry *e, const char *name, void *out);

typedef struct {
    file_writer *file;
    uint64_t at; /* bytes written */
    zip_directory directory;
} zip_writer;

/* An entry whose contents are two pieces, one after the other. */
typedef struct {
    const void *bytes;
    size_t length;
} zip_piece;
bool zip_add(zip_writer *w, const char *name, const zip_piece pieces[2], bool deflated);
/* The directory behind all entries. */
bool zip_finish(zip_writer *w);

#endif
