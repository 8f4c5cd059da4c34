/* SPDX-License-Identifier: MIT */
/* The program under `mmusim run`: see run_child.h. */
#define _GNU_SOURCE
#include "cli/run_child.h"

#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHILD_PIPE_BYTES = 1 << 20, /* /proc/sys/fs/pipe-max-size, by default */
    CHILD_POLL_MS = 100,
};

static int child_pipe[2];
static atomic_int child_pid; /* 0: ended */
static atomic_int child_status;
static atomic_int child_interrupts;

static void child_on_signal(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    int n = atomic_fetch_add(&child_interrupts, 1);
    int pid = atomic_load(&child_pid);

    (void) context;
    if (pid != 0 && n > 0)
        kill(pid, SIGKILL);
    else if (pid != 0 && info->si_code != SI_KERNEL)
        kill(pid, number);
    errno = saved;
}

/* With our end of the pipe closed, reading it comes to an end. */
static void child_on_end(int number)
{
    int saved = errno;
    int status;
    int pid = atomic_load(&child_pid);

    (void) number;
    if (pid != 0 && waitpid(pid, &status, WNOHANG) == pid) {
        atomic_store(&child_status, status);
        atomic_store(&child_pid, 0);
        close(child_pipe[1]);
    }
    errno = saved;
}

static void child_catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    sigfillset(&action.sa_mask);
    action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
    action.sa_handler = child_on_end;
    sigaction(SIGCHLD, &action, NULL);
    action.sa_flags |= SA_SIGINFO;
    action.sa_sigaction = child_on_signal;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaction(numbers[i], &action, NULL);
}

int run_child_start(struct record_qemu *qemu, char *const *program,
                    const char *plugin_options, int *fd)
{
    char path[64];
    sigset_t all, old;
    pid_t pid;
    int error = pipe2(child_pipe, O_CLOEXEC) == 0 ? 0 : errno;

    if (error)
        return cli_error(CLI_SYSTEM, "run: no pipe: %s", strerror(error));
    (void) fcntl(child_pipe[1], F_SETPIPE_SZ, CHILD_PIPE_BYTES);
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int) getpid(),
             child_pipe[1]);
    record_qemu_set_output(qemu, path, plugin_options);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old);
    error = record_qemu_spawn(qemu, program, &old, &pid);
    if (!error) {
        atomic_store(&child_pid, pid);
        child_catch_signals();
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
    if (error) {
        close(child_pipe[0]);
        close(child_pipe[1]);
        return cli_error(CLI_SYSTEM, "run: %s: %s", qemu->program.qemu,
                         strerror(error));
    }
    *fd = child_pipe[0];
    return 0;
}

int run_child_finish(int is_wanted)
{
    static char unread[1 << 16];
    struct pollfd end = {.fd = child_pipe[0], .events = POLLIN};
    int pid = atomic_load(&child_pid);

    if (pid != 0 && !is_wanted)
        kill(pid, SIGTERM);
    while (atomic_load(&child_pid) != 0) {
        if (poll(&end, 1, CHILD_POLL_MS) > 0)
            (void) !read(end.fd, unread, sizeof(unread));
    }
    close(child_pipe[0]);
    return atomic_load(&child_status);
}

int run_child_interrupts(void)
{
    return atomic_load(&child_interrupts);
}
