/* stamp: what an init runs in the bench. Says when it started, in a file that all of them share, and does no more than
 * it must, so that what is measured is the init.
 *
 *     /s TAG [stay|deaf]     a stamp TAG; then it ends, stays, or stays and ignores SIGTERM
 *     /s TAG turns N PERIOD  a stamp TAG; waits for "go" and for its turn, stamps END and ends: of all that do this, one ends
 *                            each PERIOD microseconds, until there were N turns; then all stay
 *     /s TAG orphans N       waits for "go"; makes N orphans, each of which ends at once; stamps TAG when all are made,
 *                            and REAPED when all are gone. The header then has the most that were left at once.
 *     /s TAG probe           waits for "go"; until it is "stop", makes orphans one by one; the header then has the longest
 *                            time that one was left
 *     /s TAG ends MS         a stamp TAG; on SIGTERM it takes so many milliseconds to end, and stamps BYE before it does
 *     /s TAG exits N         a stamp TAG; waits for "go" and ends with status N
 *     /s TAG lines N         a stamp TAG; waits for "go"; writes N lines in buffers, as programs do; stamps END; stays
 *     /s TAG time N COMMAND  runs the command N times; a stamp TAG for each, whose time is how long that took
 *
 * The file: a header, then the stamps in the order of their making. The reader is bench/stamps.py.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILE_NAME "/stamps"

enum { END = 1, REAPED = 2, BYE = 6 }; /* tags of a program are larger */
enum { WAIT, GO, STOP };

struct stamp {
    _Atomic uint64_t time; /* nanoseconds of CLOCK_MONOTONIC; 0: not written yet */
    uint32_t tag, pid;
};

static struct {
    _Atomic uint64_t count;      /* of the stamps */
    _Atomic uint64_t go;         /* WAIT, GO or STOP; the bench writes it */
    _Atomic uint64_t turn;       /* the next to be taken */
    uint64_t first_turn;         /* its time; the bench writes it before "go" */
    int64_t most;                /* orphans left at once, or nanoseconds that one was left */
    uint64_t unused[3];
    struct stamp stamps[];
} *file;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void sleep_until(uint64_t time)
{
    struct timespec t = {time / 1000000000, time % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
        ;
}

static void stamp(uint32_t tag, uint64_t time)
{
    struct stamp *mine = &file->stamps[atomic_fetch_add(&file->count, 1)];
    mine->tag = tag;
    mine->pid = getpid();
    mine->time = time;
}

static void wait_for_go(uint64_t microseconds)
{
    while (file->go == WAIT)
        sleep_until(now() + microseconds * 1000);
}

static void stay(void)
{
    for (;;)
        pause();
}

static void turns(uint64_t count, uint64_t period)
{
    uint64_t turn = atomic_fetch_add(&file->turn, 1);
    if (turn >= count)
        stay();
    wait_for_go(10000); /* of a thousand, each has to sleep */
    sleep_until(file->first_turn + turn * period * 1000);
    stamp(END, now());
}

/* A process that ends at once, and whose parent does, too: its pid. */
static pid_t orphan(void)
{
    volatile pid_t made = 0;
    pid_t parent = vfork();
    if (!parent) {
        made = fork();
        _exit(0);
    }
    waitpid(parent, NULL, 0);
    return made;
}

static int64_t processes(void)
{
    int64_t count = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; (entry = readdir(proc));)
        count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
    closedir(proc);
    return count;
}

static void orphans(uint32_t tag, int count)
{
    wait_for_go(500);
    int64_t others = processes(), left;
    for (int i = 0; i < count; i++) {
        orphan();
        if (i % 64 == 63 && (left = processes() - others) > file->most)
            file->most = left;
    }
    stamp(tag, now());
    while (processes() > others)
        sleep_until(now() + 200000);
    stamp(REAPED, now());
}

static void probe(uint32_t tag)
{
    wait_for_go(500);
    while (file->go != STOP) {
        pid_t pid = orphan();
        uint64_t start = now();
        while (!kill(pid, 0))
            sleep_until(now() + 50000);
        int64_t took = now() - start;
        if (took > file->most)
            file->most = took;
        sleep_until(now() + 500000);
    }
    stamp(tag, now());
}

static void run(uint32_t tag, int count, char **command)
{
    wait_for_go(500);
    while (count--) {
        int status;
        pid_t pid;
        uint64_t start = now();
        if (posix_spawn(&pid, *command, NULL, NULL, command, environ) || waitpid(pid, &status, 0) < 0 || status)
            exit(1);
        stamp(tag, now() - start);
    }
}

static void say_bye(int number)
{
    (void)number;
}

/* PID 1 of a container has told it to stop. */
static void ends(int milliseconds)
{
    signal(SIGTERM, say_bye);
    pause();
    sleep_until(now() + milliseconds * 1000000ULL);
    stamp(BYE, now());
}

static void lines(uint32_t tag, int count)
{
    wait_for_go(500);
    for (int i = 1; i <= count; i++)
        printf("%u %d 10.0.0.1 - - \"GET /index.html HTTP/1.1\" 200 .\n", tag, i);
    fflush(stdout);
    stamp(END, now());
    stay();
}

int main(int argc, char **argv)
{
    uint64_t start = now();
    int fd = open(FILE_NAME, O_RDWR | O_CLOEXEC);
    struct stat size;
    if (argc < 2 || fd < 0 || fstat(fd, &size))
        return 1;
    file = mmap(NULL, size.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint32_t tag = atoi(argv[1]);
    const char *what = argc > 2 ? argv[2] : "";
    int count = argc > 3 ? atoi(argv[3]) : 0;
    if (!strcmp(what, "time"))
        run(tag, count, argv + 4);
    else if (!strcmp(what, "orphans"))
        orphans(tag, count);
    else if (!strcmp(what, "probe"))
        probe(tag);
    else {
        if (!strcmp(what, "deaf"))
            signal(SIGTERM, SIG_IGN);
        stamp(tag, start);
        if (!strcmp(what, "turns"))
            turns(count, atoi(argv[4]));
        else if (!strcmp(what, "ends"))
            ends(count);
        else if (!strcmp(what, "lines"))
            lines(tag, count);
        else if (!strcmp(what, "exits")) {
            wait_for_go(500);
            return count;
        }
        else if (*what)
            stay();
        return 0;
    }
    stay();
}
