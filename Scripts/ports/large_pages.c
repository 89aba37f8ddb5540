// Lets a program run as if the system's pages had 64 KB, as some arm64 servers' have, or 16 KB as Apple's and the Raspberry Pi 5's:
// the C library says so, mappings begin on such pages, advice reaches to the end of such a page, and a call that isn't aligned to
// them ends the program. What it can't show is what the processor does itself; mprotect is left alone, which the Swift runtime calls for
// a page of its own that the linker aligned.
//
//   cc -shared -fPIC -O1 Scripts/ports/large_pages.c -o .build/large_pages.so
//   LD_PRELOAD=$PWD/.build/large_pages.so [PAGE_SIZE=16384] swift test --skip-build
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static size_t page_size(void) {
    static size_t size;
    if (!size) {
        const char *text = getenv("PAGE_SIZE");
        size = text ? strtoul(text, NULL, 10) : 65536;
    }
    return size;
}

static size_t rounded(size_t length) { return (length + page_size() - 1) / page_size() * page_size(); }

static void check(const char *call, uint64_t place) {
    if (place % page_size() == 0) return;
    char text[100];
    int count = snprintf(text, sizeof text, "large_pages: %s at 0x%llx, which begins no page\n", call, (unsigned long long)place);
    if (write(2, text, count) < 0) abort();
    abort();
}

int getpagesize(void) { return (int)page_size(); }

long sysconf(int name) { return name == _SC_PAGESIZE ? (long)page_size() : REAL(sysconf)(name); }

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
    check("mmap's offset", (uint64_t)offset);
    if (flags & MAP_FIXED) check("mmap", (uintptr_t)address);
    if (address || length == 0) return REAL(mmap)(address, length, protection, flags, file, offset);
    // Room for the whole of the last page: what lies behind belongs to nobody else.
    size_t room = rounded(length) + page_size();
    char *start = REAL(mmap)(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) return start;
    char *first = (char *)rounded((uintptr_t)start), *end = first + rounded(length);
    if (first > start) REAL(munmap)(start, first - start);
    if (start + room > end) REAL(munmap)(end, start + room - end);
    void *mapped = REAL(mmap)(first, length, protection, flags | MAP_FIXED, file, offset);
    int error = errno;
    if (mapped == MAP_FAILED) REAL(munmap)(first, end - first);
    errno = error;
    return mapped;
}

void *mmap64(void *address, size_t length, int protection, int flags, int file, off_t offset) {
    return mmap(address, length, protection, flags, file, offset);
}

int munmap(void *address, size_t length) {
    check("munmap", (uintptr_t)address);
    return REAL(munmap)(address, rounded(length));
}

int madvise(void *address, size_t length, int advice) {
    check("madvise", (uintptr_t)address);
    return REAL(madvise)(address, rounded(length), advice);
}
