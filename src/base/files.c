#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tarn/error.h"

static int open_regular(const char *path, struct stat *status) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO would wait for its writer */
    if (descriptor < 0) return tarn_fail_kind(TARN_ERROR_IO, "%s: %s", path, strerror(errno)), -1;
    if (fstat(descriptor, status) != 0 || !S_ISREG(status->st_mode)) {
        tarn_fail_kind(TARN_ERROR_IO, "%s: not a regular file", path);
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static bool read_fully(int descriptor, char *bytes, size_t length, const char *path) {
    for (size_t done = 0; done < length;) {
        ssize_t n = read(descriptor, bytes + done, length - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tarn_fail_kind(TARN_ERROR_IO, "%s: %s", path, strerror(errno));
        if (n == 0) return tarn_fail_kind(TARN_ERROR_IO, "%s: ended after %zu of %zu bytes", path, done, length);
        done += (size_t)n;
    }
    return true;
}

char *file_read(const char *path, size_t limit, size_t *length) {
    struct stat status;
    int descriptor = open_regular(path, &status);
    if (descriptor < 0) return NULL;
    size_t size = (size_t)status.st_size;
    char *bytes = NULL;
    if (size > limit)
        tarn_fail_kind(TARN_ERROR_IO, "%s: %zu bytes, more than the limit of %zu", path, size, limit);
    else
        bytes = memory_new(size + 1, 1);
    if (bytes && !read_fully(descriptor, bytes, size, path)) {
        memory_free(bytes);
        bytes = NULL;
    }
    close(descriptor);
    if (length) *length = bytes ? size : 0;
    return bytes;
}

bool file_exists(const char *path) {
    return access(path, F_OK) == 0;
}

char *path_join(const char *folder, const char *name) {
    text t = {0};
    text_add(&t, folder);
    if (t.length && t.bytes[t.length - 1] != '/') text_add_char(&t, '/');
    text_add(&t, name);
    return text_take(&t);
}

file_mapping *file_map(const char *path) {
    struct stat status;
    int descriptor = open_regular(path, &status);
    if (descriptor < 0) return NULL;
    file_mapping *m = NEW(file_mapping);
    if (m) m->path = memory_copy(path, strlen(path) + 1);
    if (!m || !m->path) {
        memory_free(m);
        close(descriptor);
        return NULL;
    }
    m->length = (size_t)status.st_size;
    m->descriptor = descriptor;
    m->seconds = status.st_mtim.tv_sec;
    m->nanoseconds = status.st_mtim.tv_nsec;
    void *bytes = m->length ? mmap(NULL, m->length, PROT_READ, MAP_SHARED, descriptor, 0) : NULL;
    if (bytes == MAP_FAILED) {
        tarn_fail_kind(TARN_ERROR_IO, "%s: cannot map %zu bytes: %s", path, m->length, strerror(errno));
        m->length = 0;
        file_unmap(m);
        return NULL;
    }
    m->bytes = bytes;
    if (m->length)
        madvise(bytes, m->length,
                MADV_HUGEPAGE); /* honoured by ext4 and others since Linux 6.16, for pages not yet in memory */
    if (m->length && !(m->guard = guard_add(m->bytes, m->length))) {
        file_unmap(m);
        return NULL;
    }
    return m;
}

bool file_unchanged(const file_mapping *m) {
    if (guard_broken(m->guard))
        return tarn_fail_kind(TARN_ERROR_IO, "%s: the file was truncated, or could not be read, while it was in use",
                              m->path);
    struct stat status;
    if (fstat(m->descriptor, &status) != 0) return tarn_fail_kind(TARN_ERROR_IO, "%s: %s", m->path, strerror(errno));
    if ((size_t)status.st_size != m->length || status.st_mtim.tv_sec != m->seconds ||
        status.st_mtim.tv_nsec != m->nanoseconds)
        return tarn_fail_kind(TARN_ERROR_IO,
                              "%s: the file changed while it was in use (%zu bytes when opened, %lld now)", m->path,
                              m->length, (long long)status.st_size);
    return true;
}

void file_unmap(file_mapping *m) {
    if (!m) return;
    guard_remove(m->guard);
    if (m->length) munmap((void *)(uintptr_t)m->bytes, m->length);
    close(m->descriptor);
    memory_free(m->path);
    memory_free(m);
}

/* Pages of a shared mapping for reading are the file's: they stay in the system's cache as long as it has room. */
void file_drop_pages(const void *bytes, size_t length) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = ((uintptr_t)bytes + page - 1) / page * page,
              end = ((uintptr_t)bytes + length) / page * page;
    if (first < end) madvise((void *)first, end - first, MADV_DONTNEED);
}

/* A name that no other writer has, in this process or another. */
static bool create_temporary(file_writer *w) {
    static atomic_uint created;
    do {
        text name = {0};
        text_format(&name, "%s.partial-%ld-%u", w->path, (long)getpid(), atomic_fetch_add(&created, 1));
        memory_free(w->temporary);
        if (!(w->temporary = text_take(&name))) return false;
        w->descriptor = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (w->descriptor < 0 && errno == EEXIST);
    return w->descriptor >= 0 || tarn_fail_kind(TARN_ERROR_IO, "%s: cannot create: %s", w->temporary, strerror(errno));
}

/* A rename would put a file in the place of a device, or fail where a folder is. */
static bool check_place(const char *path) {
    struct stat status;
    return stat(path, &status) != 0 || S_ISREG(status.st_mode) ||
           tarn_fail_kind(TARN_ERROR_IO, "%s: is there and not a regular file", path);
}

file_writer *file_create(const char *path) {
    if (!check_place(path)) return NULL;
    file_writer *w = NEW(file_writer);
    if (!w) return NULL;
    w->path = memory_copy(path, strlen(path) + 1);
    w->descriptor = -1;
    if (w->path && create_temporary(w)) return w;
    memory_free(w->temporary);
    memory_free(w->path);
    memory_free(w);
    return NULL;
}

/* write(2), with a file size limit as the error EFBIG instead of a signal that ends the process. */
static ssize_t write_quietly(int descriptor, const void *bytes, size_t length) {
    sigset_t limit, old;
    sigemptyset(&limit);
    sigaddset(&limit, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &limit, &old);
    ssize_t n = write(descriptor, bytes, length);
    int error = errno;
    if (n < 0 && error == EFBIG && !sigismember(&old, SIGXFSZ)) sigtimedwait(&limit, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = error;
    return n;
}

bool file_write(file_writer *w, const void *bytes, size_t length) {
    for (size_t done = 0; done < length && !w->failed;) {
        ssize_t n = write_quietly(w->descriptor, (const char *)bytes + done, length - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            /* EFAULT: the bytes lay in a mapped file that was truncated. */
            tarn_fail_kind(TARN_ERROR_IO, "%s: cannot write: %s", w->path,
                           errno == EFAULT ? "the file the data come from was truncated" : strerror(errno));
            w->failed = true;
        } else
            done += (size_t)n;
    }
    return !w->failed;
}

/* The file has its name already: nothing here may fail, or take memory. */
static void sync_folder(const char *path) {
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    if (slash) snprintf(folder, sizeof folder, "%.*s", (int)(slash - path) + 1, path);
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    fsync(descriptor); /* some file systems refuse this; the rename itself is still atomic */
    close(descriptor);
}

static bool sync_and_close(file_writer *w) {
    if (w->failed) return false;
    bool ok = fsync(w->descriptor) == 0;
    int error = errno;
    if (close(w->descriptor) != 0 && ok) ok = false, error = errno;
    w->descriptor = -1;
    return ok || tarn_fail_kind(TARN_ERROR_IO, "%s: cannot finish writing: %s", w->path, strerror(error));
}

static bool take_name(file_writer *w) {
    if (rename(w->temporary, w->path) != 0)
        return tarn_fail_kind(TARN_ERROR_IO, "%s: cannot finish writing: %s", w->path, strerror(errno));
    memory_free(w->temporary);
    w->temporary = NULL;
    return true;
}

bool file_commit_all(file_writer *const *writers, size_t count) {
    bool ok = true;
    for (size_t i = 0; i < count && ok; i++) ok = sync_and_close(writers[i]);
    for (size_t i = 0; i < count && ok; i++) ok = take_name(writers[i]);
    if (ok && count) sync_folder(writers[0]->path);
    for (size_t i = 0; i < count; i++) file_abandon(writers[i]);
    return ok;
}

bool file_commit(file_writer *w) {
    return file_commit_all(&w, 1);
}

void file_abandon(file_writer *w) {
    if (!w) return;
    if (w->descriptor >= 0) close(w->descriptor);
    if (w->temporary) unlink(w->temporary);
    memory_free(w->temporary);
    memory_free(w->path);
    memory_free(w);
}
