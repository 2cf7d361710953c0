/* Chance by a seed, for one process: LD_PRELOAD it.
 *
 * AGENT_RUNTIME_TEST_CHANCE is the seed. Each thread begins with it anew, so that the order in which threads begin makes no
 * difference. For simulations alone: keys that are made of this are no secret.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>

static __thread uint64_t state;
static __thread int begun;

/* SplitMix64, https://prng.di.unimi.it/splitmix64.c */
static uint64_t next(void) {
    if (!begun) {
        const char *seed = getenv("AGENT_RUNTIME_TEST_CHANCE");
        begun = 1;
        state = seed == NULL ? 0 : strtoull(seed, NULL, 10);
    }
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

ssize_t getrandom(void *buffer, size_t length, unsigned int flags) {
    unsigned char *at = buffer;
    (void)flags;
    for (size_t done = 0; done < length;) {
        uint64_t some = next();
        size_t part = length - done < sizeof some ? length - done : sizeof some;
        memcpy(at + done, &some, part);
        done += part;
    }
    return (ssize_t)length;
}

/* Some ask the kernel themselves; all else goes on as it came. */
long syscall(long number, ...) {
    static long (*real)(long, ...);
    long of[6];
    va_list all;
    va_start(all, number);
    for (int n = 0; n < 6; n++) of[n] = va_arg(all, long);
    va_end(all);
    if (number == SYS_getrandom) return getrandom((void *)of[0], (size_t)of[1], (unsigned int)of[2]);
    if (real == NULL) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return real(number, of[0], of[1], of[2], of[3], of[4], of[5]);
}
