// Lets programs measure processor time where they mean to measure time, so that what else runs on a machine changes the figures
// of one thread little:
//   cc -O2 -shared -fPIC -o /tmp/processor_clock.so Scripts/bench/processor_clock.c
//   LD_PRELOAD=/tmp/processor_clock.so taskset -c 0 clip bench --threads 1 --model MODEL
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    return syscall(SYS_clock_gettime, clock == CLOCK_REALTIME ? clock : CLOCK_PROCESS_CPUTIME_ID, time);
}
