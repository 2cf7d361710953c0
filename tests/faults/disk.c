/* A disk that fails on command, for one process: LD_PRELOAD it.
 *
 * AGENT_RUNTIME_TEST_DISK names a control file that is read at every call, so that the disk can break and heal while the
 * process runs. It holds one line: a mode, for delay_ms a number, and a part of the paths that are concerned.
 *
 *   ok                        nothing fails (so does a control file that is not there)
 *   delay_ms 8 meta.sqlite    each fsync and fdatasync takes 8 ms longer
 *   enospc meta.sqlite        writes and growing fail: no space left on device
 *   torn meta.sqlite          the same, but each write first writes half of what it was given
 *   eio meta.sqlite           writes, syncs and growing fail: input/output error
 *   eio_at_commit meta.sqlite only fsync and fdatasync fail so
 *   erofs meta.sqlite         writes, growing and opening to write fail: read-only file system
 *
 * Paths are what /proc/self/fd says, so renamed and deleted files are known by what they are called now.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum mode { OK, DELAY, ENOSPACE, TORN, EIO_ALL, EIO_SYNC, ROFS };

struct order {
    enum mode mode;
    long delay_ms;
    char part[256];
};

/* Plain system calls: our own replacements must not hear of it, and errno must stay as it was. */
static struct order order_now(void) {
    struct order order = {OK, 0, ""};
    char text[512], word[32] = "", rest[256] = "", number[256] = "";
    const char *control = getenv("AGENT_RUNTIME_TEST_DISK");
    int saved = errno;
    if (control == NULL) return order;
    long fd = syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC, 0);
    long got = fd < 0 ? -1 : syscall(SYS_read, fd, text, sizeof text - 1);
    if (fd >= 0) syscall(SYS_close, fd);
    errno = saved;
    if (got <= 0) return order;
    text[got] = '\0';
    sscanf(text, "%31s %255s %255s", word, number, rest);
    if (strcmp(word, "delay_ms") == 0) {
        order.mode = DELAY;
        order.delay_ms = atol(number);
        strcpy(order.part, rest);
        return order;
    }
    strcpy(order.part, number);
    if (strcmp(word, "enospc") == 0) order.mode = ENOSPACE;
    if (strcmp(word, "torn") == 0) order.mode = TORN;
    if (strcmp(word, "eio") == 0) order.mode = EIO_ALL;
    if (strcmp(word, "eio_at_commit") == 0) order.mode = EIO_SYNC;
    if (strcmp(word, "erofs") == 0) order.mode = ROFS;
    return order;
}

static int concerns(const struct order *order, int fd) {
    char link[64], path[4096];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (length <= 0) return 0;
    path[length] = '\0';
    return order->part[0] != '\0' && strstr(path, order->part) != NULL;
}

/* What a write of so many bytes may do: all of them, half of them, or fail. */
static int allow(int fd, size_t *bytes) {
    struct order order = order_now();
    if (order.mode == OK || order.mode == DELAY || order.mode == EIO_SYNC || !concerns(&order, fd)) return 0;
    if (order.mode == TORN && *bytes > 1) {
        *bytes /= 2;
        return 0;
    }
    errno = order.mode == EIO_ALL ? EIO : order.mode == ROFS ? EROFS : ENOSPC;
    return -1;
}

static int allow_growing(int fd) {
    size_t bytes = 0;
    return allow(fd, &bytes);
}

static int allow_sync(int fd) {
    struct order order = order_now();
    if (order.mode == OK || !concerns(&order, fd)) return 0;
    if (order.mode == DELAY) {
        struct timespec wait = {order.delay_ms / 1000, (order.delay_ms % 1000) * 1000000L};
        nanosleep(&wait, NULL);
        return 0;
    }
    if (order.mode != EIO_ALL && order.mode != EIO_SYNC) return 0;
    errno = EIO;
    return -1;
}

static int allow_open(const char *path, int flags) {
    if ((flags & O_ACCMODE) == O_RDONLY && (flags & (O_CREAT | O_TRUNC)) == 0) return 0;
    struct order order = order_now();
    if (order.mode != ROFS || order.part[0] == '\0' || strstr(path, order.part) == NULL) return 0;
    errno = EROFS;
    return -1;
}

#define REAL(name, type) \
    static type real; \
    if (real == NULL) real = (type)dlsym(RTLD_NEXT, name)

typedef ssize_t (*write_fn)(int, const void *, size_t);
typedef ssize_t (*pwrite_fn)(int, const void *, size_t, off_t);
typedef int (*fd_fn)(int);
typedef int (*truncate_fn)(int, off_t);
typedef int (*open_fn)(const char *, int, ...);

ssize_t write(int fd, const void *from, size_t bytes) {
    REAL("write", write_fn);
    return allow(fd, &bytes) == 0 ? real(fd, from, bytes) : -1;
}

ssize_t pwrite(int fd, const void *from, size_t bytes, off_t at) {
    REAL("pwrite", pwrite_fn);
    return allow(fd, &bytes) == 0 ? real(fd, from, bytes, at) : -1;
}

ssize_t pwrite64(int fd, const void *from, size_t bytes, off_t at) {
    REAL("pwrite64", pwrite_fn);
    return allow(fd, &bytes) == 0 ? real(fd, from, bytes, at) : -1;
}

int fsync(int fd) {
    REAL("fsync", fd_fn);
    return allow_sync(fd) == 0 ? real(fd) : -1;
}

int fdatasync(int fd) {
    REAL("fdatasync", fd_fn);
    return allow_sync(fd) == 0 ? real(fd) : -1;
}

int ftruncate(int fd, off_t length) {
    REAL("ftruncate", truncate_fn);
    return allow_growing(fd) == 0 ? real(fd, length) : -1;
}

int ftruncate64(int fd, off_t length) {
    REAL("ftruncate64", truncate_fn);
    return allow_growing(fd) == 0 ? real(fd, length) : -1;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(#name, open_fn); \
        va_list more; \
        va_start(more, flags); \
        unsigned mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, unsigned) : 0; \
        va_end(more); \
        return allow_open(path, flags) == 0 ? real(path, flags, mode) : -1; \
    }

OPEN(open)
OPEN(open64)
