/* Files: whole reads, mappings that notice a change, and writes that appear whole or not at all. Failures name the
 * file. */
#ifndef BASE_FILES_H
#define BASE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/guard.h"

/* The whole file with a NUL after it (memory_free); refuses folders and files of more than `limit` bytes. */
char *file_read(const char *path, size_t limit, size_t *length);
bool file_exists(const char *path);
/* `folder/name` (memory_free). */
char *path_join(const char *folder, const char *name);

/* A read-only mapping of a whole file. The descriptor stays open, so that a replaced file is still the one that was
   checked. If the file shrinks while the mapping is read, the missing part reads as zeros and file_unchanged fails from
   then on. */
typedef struct {
    char *path;
    const char *bytes;
    size_t length;
    int descriptor;
    int64_t seconds, nanoseconds; /* modification time when mapped */
    guard *guard;
} file_mapping;

file_mapping *file_map(const char *path);
/* True while the file has the size and modification time it was mapped with; otherwise an error naming the file. What
   was read before a successful call was the file's true contents. */
bool file_unchanged(const file_mapping *mapping);
void file_unmap(file_mapping *mapping);
/* Gives back the memory of the pages that lie whole within bytes of a mapping; they are read again when they are next
   looked at. */
void file_drop_pages(const void *bytes, size_t length);

/* A file being written beside its final path; nothing is seen under `path` before file_commit has synced and renamed
 * it. */
typedef struct {
    char *path, *temporary;
    int descriptor;
    bool failed;
} file_writer;

file_writer *file_create(const char *path);
bool file_write(file_writer *writer, const void *bytes, size_t length);
/* fsync, rename, fsync of the folder; frees the writer in any case. */
bool file_commit(file_writer *writer);
/* The same for files of one folder: all are on disk before the first gets its name. */
bool file_commit_all(file_writer *const *writers, size_t count);
/* Removes the temporary file; NULL is allowed. */
void file_abandon(file_writer *writer);

#endif
