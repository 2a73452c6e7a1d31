/* witness: what an inittab entry runs in the system tests.
 *
 *     /w TAG [WORD ...]
 *
 * Appends a JSON line to /w.log for each event, each in one write: first "start" with all that init gave it, then
 * "TERM", "HUP", "INT" ... for each signal that arrives, and "end" before it exits by itself. Then does what the
 * words say, from left to right:
 *
 *     sleep=S      S seconds (a fraction may be given)
 *     stay         forever
 *     deaf         from here on: signals are written down, and nothing else happens (otherwise they kill, as usual)
 *     member=TAG   a child in the same process group: starts as TAG and stays; deafmember=TAG: and is deaf
 *     leaver=TAG   a child that starts a session of its own, then as member
 *     say=TEXT     TEXT and a newline on standard output
 *     read         waits for a line on standard input; event "read" with "line"
 *     run=COMMAND  system(3) of it (a + stands for a blank); event "ran" with "status"
 *     kill=N       signal N to itself
 *     exit=N       with status N
 *     syslog       binds /dev/log, goes to the background, and writes an event "syslog" with "line" for each message
 *
 * The process field of sysvinit 3.06 holds 127 bytes, so words are short and so is its name. In C because a test run
 * starts some thousands of it, and a Python one would be 20 times as slow to start.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOG "/w.log"

extern char **environ;

static const char *tag;
static volatile sig_atomic_t deaf;

static const struct { int number; const char *name; } SIGNALS[] = {
    {SIGTERM, "TERM"}, {SIGHUP, "HUP"}, {SIGINT, "INT"}, {SIGQUIT, "QUIT"}, {SIGCONT, "CONT"}, {SIGWINCH, "WINCH"},
    {SIGUSR1, "USR1"}, {SIGUSR2, "USR2"}, {SIGPWR, "PWR"}, {SIGALRM, "ALRM"}, {SIGPIPE, "PIPE"}, {SIGTSTP, "TSTP"},
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The line being made. */
static char line[1 << 16];
static size_t used;

static void put(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line + used, sizeof line - used, format, arguments);
    va_end(arguments);
    if (n > 0 && used + n < sizeof line)
        used += n;
}

/* Bytes that are no ASCII become the characters of the same number. */
static void put_string(const char *text, size_t length)
{
    put("\"");
    for (size_t i = 0; i < length; i++) {
        unsigned char c = text[i];
        if (c < ' ' || c > '~' || c == '"' || c == '\\')
            put("\\u%04x", c);
        else
            put("%c", c);
    }
    put("\"");
}

static void begin(const char *event)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    used = 0;
    put("{\"tag\": ");
    put_string(tag, strlen(tag));
    put(", \"event\": \"%s\", \"time\": %ld.%09ld, \"pid\": %d", event, (long)now.tv_sec, now.tv_nsec, (int)getpid());
}

static void finish(void)
{
    put("}\n");
    int log = open(LOG, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (log < 0 || write(log, line, used) != (ssize_t)used)
        perror(LOG);
    close(log);
}

static void put_files(void)
{
    char path[300], target[4096];
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *file;
    const char *comma = "";
    put(", \"fds\": {");
    while (folder && (file = readdir(folder))) {
        if (!isdigit((unsigned char)file->d_name[0]) || atoi(file->d_name) == dirfd(folder))
            continue;
        snprintf(path, sizeof path, "/proc/self/fd/%s", file->d_name);
        ssize_t n = readlink(path, target, sizeof target);
        put("%s\"%s\": ", comma, file->d_name);
        put_string(target, n < 0 ? 0 : n);
        comma = ", ";
    }
    if (folder)
        closedir(folder);
    put("}");
}

static void put_masks(const sigset_t *blocked)
{
    static const char *const WANTED[][2] = {{"SigIgn", "ignored"}, {"SigCgt", "caught"}};
    char text[256];
    unsigned long long mask;
    FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(text, sizeof text, status))
        for (size_t i = 0; i < COUNT(WANTED); i++)
            if (!strncmp(text, WANTED[i][0], 6) && sscanf(text + 7, "%llx", &mask) == 1)
                put(", \"%s\": %llu", WANTED[i][1], mask);
    if (status)
        fclose(status);
    mask = 0;
    for (int number = 1; number <= 64; number++)
        if (sigismember(blocked, number) == 1)
            mask |= 1ULL << (number - 1);
    put(", \"blocked\": %llu", mask);
}

static void put_ids(void)
{
    char text[1024] = "", state;
    int ppid = 0, pgid = 0, sid = 0, tty = 0, tpgid = 0;
    FILE *stat = fopen("/proc/thread-self/stat", "re"); /* qemu-user makes /proc/self/stat up, with zeros */
    if (stat) {
        text[fread(text, 1, sizeof text - 1, stat)] = 0;
        fclose(stat);
    }
    char *after = strrchr(text, ')');
    if (after && sscanf(after + 1, " %c %d %d %d %d %d", &state, &ppid, &pgid, &sid, &tty, &tpgid) == 6)
        put(", \"ppid\": %d, \"pgid\": %d, \"sid\": %d, \"tty\": %d, \"tpgid\": %d", ppid, pgid, sid, tty, tpgid);
}

static void start(char **words, const sigset_t *blocked)
{
    char cwd[4096] = "";
    mode_t mask = umask(0);
    umask(mask);
    begin("start");
    put_ids();
    put(", \"umask\": %d, \"cwd\": ", (int)mask);
    if (!getcwd(cwd, sizeof cwd))
        cwd[0] = 0;
    put_string(cwd, strlen(cwd));
    put_files();
    put_masks(blocked);
    put(", \"argv\": [");
    for (int i = 0; words[i]; i++) {
        put(i ? ", " : "");
        put_string(words[i], strlen(words[i]));
    }
    put("], \"env\": {");
    const char *comma = "";
    for (char **variable = environ; *variable; variable++) {
        char *equals = strchr(*variable, '=');
        if (!equals)
            continue;
        put("%s", comma);
        put_string(*variable, equals - *variable);
        put(": ");
        put_string(equals + 1, strlen(equals + 1));
        comma = ", ";
    }
    put("}");
    finish();
}

/* All but it are blocked meanwhile, and whatever it interrupts is not half-way through a line. */
static void on_signal(int number)
{
    int kept = errno;
    for (size_t i = 0; i < COUNT(SIGNALS); i++)
        if (SIGNALS[i].number == number) {
            begin(SIGNALS[i].name);
            finish();
        }
    if (!deaf && number != SIGCONT && number != SIGWINCH) {
        sigset_t none;
        sigemptyset(&none);
        signal(number, SIG_DFL);
        raise(number);
        sigprocmask(SIG_SETMASK, &none, NULL);
    }
    errno = kept;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < COUNT(SIGNALS); i++)
        sigaction(SIGNALS[i].number, &action, NULL);
}

static sigset_t hold_signals(int how)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(how, &all, &before);
    return before;
}

static void event(const char *name, const char *key, const char *text, size_t length)
{
    hold_signals(SIG_BLOCK);
    begin(name);
    if (key) {
        put(", \"%s\": ", key);
        put_string(text, length);
    }
    finish();
    hold_signals(SIG_UNBLOCK);
}

static void stay(void)
{
    for (;;)
        pause();
}

static void nap(double seconds)
{
    struct timespec left = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    while (nanosleep(&left, &left) && errno == EINTR)
        ;
}

static void child(const char *its_tag, int is_deaf, int leaves, char **words)
{
    sigset_t blocked = hold_signals(SIG_BLOCK);
    if (fork() == 0) {
        tag = its_tag;
        deaf = is_deaf;
        if (leaves)
            setsid();
        start(words, &blocked);
        hold_signals(SIG_UNBLOCK);
        stay();
    }
    hold_signals(SIG_UNBLOCK);
}

static void read_line(void)
{
    char text[1024];
    ssize_t n = read(0, text, sizeof text);
    event("read", "line", text, n < 0 ? 0 : n);
}

static void run(char *command)
{
    for (char *c = command; *c; c++)
        if (*c == '+')
            *c = ' ';
    char text[16];
    int status = system(command);
    event("ran", "status", text, snprintf(text, sizeof text, "%d", WIFEXITED(status) ? WEXITSTATUS(status) : -1));
}

static void serve_syslog(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    char message[8192];
    int log = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    unlink(address.sun_path);
    if (bind(log, (struct sockaddr *)&address, sizeof address) || chmod(address.sun_path, 0666)) {
        perror(address.sun_path);
        exit(1);
    }
    if (fork())
        return;
    setsid();
    for (;;) {
        ssize_t n = recv(log, message, sizeof message, 0);
        if (n >= 0)
            event("syslog", "line", message, n);
    }
}

int main(int argc, char **argv)
{
    static char *const NO_WORDS[] = {"", NULL};
    char **words = argc > 1 ? argv + 1 : (char **)NO_WORDS;
    tag = words[0];
    sigset_t blocked = hold_signals(SIG_BLOCK); /* so that none is missed once "start" is written */
    start(words, &blocked);
    catch_signals();
    hold_signals(SIG_UNBLOCK);
    for (char **word = words + 1; *words && *word; word++) {
        char *value = strchr(*word, '=');
        size_t length = value ? (size_t)(value++ - *word) : strlen(*word);
#define IS(name) (length == strlen(name) && !strncmp(*word, name, length))
        if (IS("sleep"))
            nap(atof(value));
        else if (IS("stay"))
            stay();
        else if (IS("deaf"))
            deaf = 1;
        else if (IS("member") || IS("deafmember"))
            child(value, IS("deafmember"), 0, words);
        else if (IS("leaver"))
            child(value, 0, 1, words);
        else if (IS("say")) {
            if (write(1, value, strlen(value)) < 0 || write(1, "\n", 1) < 0)
                event("unsaid", "line", strerror(errno), strlen(strerror(errno)));
        } else if (IS("read"))
            read_line();
        else if (IS("run"))
            run(value);
        else if (IS("syslog"))
            serve_syslog();
        else if (IS("kill"))
            raise(atoi(value));
        else if (IS("exit")) {
            event("end", NULL, NULL, 0);
            _exit(atoi(value));
        } else
            event("unknown", "word", *word, strlen(*word));
    }
    event("end", NULL, NULL, 0);
    return 0;
}
