/* SPDX-License-Identifier: MIT */
/*
 * Processes are forked, not executed anew: they have the plan and the
 * configurations at once. Each has two pipes; of all others' it closes the
 * ends, so that a pipe ends when one of its two processes does.
 */
#include "cli/sweep_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { PROCESS_READ_BYTES = 1 << 16 };

double sweep_now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/* Ctrl-C reaches the whole group, and SIGTERM of a batch system every process
 * of a job; the engine decides what they mean. */
static void process_signals(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

static void process_run(const struct sweep_process *processes, size_t n,
                        const struct store_plan *plan,
                        const struct worker_limits *limits, const int *in,
                        const int *out, pid_t parent)
{
    process_signals();
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != parent)
        _exit(0);
    for (size_t i = 0; i < n; i++)
        if (processes[i].pid) {
            close(processes[i].to);
            close(processes[i].from);
        }
    close(in[1]);
    close(out[0]);
    _exit(sweep_worker_main(plan, limits, in[0], out[1]));
}

int sweep_process_start(struct sweep_process *processes, size_t n, size_t i,
                        const struct store_plan *plan,
                        const struct worker_limits *limits)
{
    struct sweep_process *process = &processes[i];
    int in[2], out[2];
    pid_t parent = getpid();

    if (pipe(in))
        return errno;
    if (pipe(out)) {
        int error = errno;

        close(in[0]);
        close(in[1]);
        return error;
    }
    process->pid = fork();
    if (process->pid < 0) {
        int error = errno;

        process->pid = 0;
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        return error;
    }
    if (!process->pid)
        process_run(processes, n, plan, limits, in, out, parent);
    close(in[0]);
    close(out[1]);
    process->to = in[1];
    process->from = out[0];
    (void) fcntl(process->from, F_SETFL, O_NONBLOCK);
    process->length = 0;
    process->n_queued = 0;
    process->source = SIZE_MAX;
    process->begun_s = 0;
    process->verdict = NULL;
    free(process->names);
    process->names = NULL;
    return 0;
}

bool sweep_process_give(struct sweep_process *process, size_t point,
                        size_t source)
{
    char line[32];
    int length = snprintf(line, sizeof(line), "%zu\n", point);

    if (write(process->to, line, (size_t) length) != length)
        return false;
    process->queue[process->n_queued++] = point;
    process->source = source;
    return true;
}

bool sweep_process_read(struct sweep_process *process)
{
    for (;;) {
        ssize_t n;

        if (process->size - process->length < PROCESS_READ_BYTES) {
            size_t size = 2 * process->size + PROCESS_READ_BYTES;
            char *grown = realloc(process->buffer, size);

            if (!grown)
                return false;
            process->buffer = grown;
            process->size = size;
        }
        n = read(process->from, process->buffer + process->length,
                 PROCESS_READ_BYTES);
        if (n > 0)
            process->length += (size_t) n;
        else if (n < 0 && errno == EINTR)
            continue;
        else
            return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }
}

char *sweep_process_line(struct sweep_process *process, size_t *at)
{
    char *line = process->buffer + *at;
    size_t left = process->length - *at;
    char *end = left ? memchr(line, '\n', left) : NULL;

    if (end) {
        *end = '\0';
        *at += (size_t) (end - line) + 1;
        return line;
    }
    if (*at)
        memmove(process->buffer, line, left);
    process->length = left;
    return NULL;
}

int sweep_process_end(struct sweep_process *process, bool is_killed)
{
    int status = 0;

    if (!process->pid)
        return 0;
    if (is_killed)
        kill(process->pid, SIGKILL);
    close(process->to);
    close(process->from);
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    process->pid = 0;
    free(process->buffer);
    free(process->names);
    process->buffer = NULL;
    process->names = NULL;
    process->length = process->size = 0;
    return status;
}
