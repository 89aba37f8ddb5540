/* Preloaded by run.py: holds a program where its own code begins, and cuts transfers short.
   STOP_PROGRAM  the name of the program that stops itself, until it is continued
   SHORT_CALLS   "read" or "write": calls of that kind transfer a part of what is asked for
   SHORT_DIVISOR the part, one divided by this; at least a byte
   SHORT_LOG     a file that gets a byte for each call that was cut short */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char kind;
static size_t divisor = 2;
static int log_descriptor = -1;

__attribute__((constructor)) static void begin(void) {
    const char *program = getenv("STOP_PROGRAM"), *calls = getenv("SHORT_CALLS");
    if (!program || strcmp(program, program_invocation_short_name)) return;
    unsetenv("LD_PRELOAD");
    if (calls) {
        divisor = strtoul(getenv("SHORT_DIVISOR"), NULL, 10);
        log_descriptor = open(getenv("SHORT_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        kind = calls[0];
    } else {
        raise(SIGSTOP);
    }
}

/* Eight bytes are an eventfd's or a timer's: those come whole or not at all. */
static size_t part(char called, int descriptor, size_t count) {
    struct stat status;
    if (kind != called || count <= 8 || fstat(descriptor, &status) != 0) return count;
    if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode)) return count;
    if (log_descriptor >= 0) syscall(SYS_write, log_descriptor, "+", 1);
    return count / divisor > 0 ? count / divisor : 1;
}

ssize_t read(int descriptor, void *bytes, size_t count) {
    return syscall(SYS_read, descriptor, bytes, part('r', descriptor, count));
}

ssize_t pread(int descriptor, void *bytes, size_t count, off_t offset) {
    return syscall(SYS_pread64, descriptor, bytes, part('r', descriptor, count), offset);
}

ssize_t pread64(int descriptor, void *bytes, size_t count, off64_t offset) {
    return pread(descriptor, bytes, count, offset);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    return syscall(SYS_write, descriptor, bytes, part('w', descriptor, count));
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    return syscall(SYS_pwrite64, descriptor, bytes, part('w', descriptor, count), offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    return pwrite(descriptor, bytes, count, offset);
}
