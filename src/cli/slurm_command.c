/* SPDX-License-Identifier: MIT */
/*
 * One child at a time; both its outputs are read as they come, bounded, with a
 * deadline. It has a process group of its own, so that Ctrl-C does not end an
 * sbatch between the controller's yes and its answer to us.
 */
#define _GNU_SOURCE
#include "cli/slurm_command.h"

#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    /* guess: squeue prints some 40 bytes a task; a million tasks and more */
    OUTPUT_BYTES_MAX = 64 << 20,
    FIRST_BYTES = 4096,
    /* guess: Slurm's own MessageTimeout is 10 s and sbatch tries for longer */
    DEADLINE_S = 120,
    LONGEST_PAUSE_S = 60,
    TICK_MS = 200, /* between two looks whether Ctrl-C was pressed */
    ERROR_TEXT_BYTES = 4096,
};

struct slurm_stream {
    int fd; /* < 0: at its end */
    char *text;
    size_t n_bytes;
    size_t max_bytes;
    bool has_failed; /* too much of it, or no memory */
};

struct slurm_child {
    pid_t pid;
    struct slurm_stream out;
    struct slurm_stream err;
};

void slurm_command_init(struct slurm_command *command, const char *name)
{
    *command = (struct slurm_command){.argv = {name}, .n_arguments = 1};
}

void slurm_command_add(struct slurm_command *command, const char *word)
{
    if (command->n_arguments < SLURM_ARGUMENTS_MAX)
        command->argv[command->n_arguments++] = word;
    else
        command->is_full = true;
}

void slurm_answer_fini(struct slurm_answer *answer)
{
    free(answer->text);
    answer->text = NULL;
}

uint64_t slurm_next_pause_s(uint64_t pause_s)
{
    if (!pause_s)
        return 1;
    return pause_s * 2 < LONGEST_PAUSE_S ? pause_s * 2 : LONGEST_PAUSE_S;
}

static uint64_t slurm_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

bool slurm_sleep(uint64_t milliseconds)
{
    uint64_t end_ms = slurm_now_ms() + milliseconds;

    while (!cli_is_interrupted()) {
        uint64_t now_ms = slurm_now_ms();
        uint64_t left_ms = end_ms > now_ms ? end_ms - now_ms : 0;

        if (!left_ms)
            return true;
        (void) poll(NULL, 0, left_ms < TICK_MS ? (int) left_ms : TICK_MS);
    }
    return false;
}

/* ---- a child and its two outputs ---- */

static bool slurm_stream_grow(struct slurm_stream *stream)
{
    size_t max = stream->max_bytes ? stream->max_bytes * 2 : FIRST_BYTES;
    char *text = max > OUTPUT_BYTES_MAX ? NULL : realloc(stream->text, max);

    if (!text)
        return false;
    stream->text = text;
    stream->max_bytes = max;
    return true;
}

static void slurm_stream_close(struct slurm_stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

/* Reads what is there; always leaves room for a final zero. */
static void slurm_stream_read(struct slurm_stream *stream)
{
    ssize_t n;

    if (stream->n_bytes + 1 >= stream->max_bytes &&
        !slurm_stream_grow(stream)) {
        stream->has_failed = true;
        slurm_stream_close(stream);
        return;
    }
    n = read(stream->fd, stream->text + stream->n_bytes,
             stream->max_bytes - stream->n_bytes - 1);
    if (n > 0)
        stream->n_bytes += (size_t) n;
    else if (n == 0 || errno != EINTR)
        slurm_stream_close(stream);
}

/* Reads both outputs to their ends; false: the deadline has passed. */
static bool slurm_child_read(struct slurm_child *child)
{
    uint64_t end_ms = slurm_now_ms() + DEADLINE_S * 1000;

    while (child->out.fd >= 0 || child->err.fd >= 0) {
        struct pollfd both[2] = {{.fd = child->out.fd, .events = POLLIN},
                                 {.fd = child->err.fd, .events = POLLIN}};
        int n = poll(both, 2, TICK_MS);

        if (n > 0 && both[0].revents)
            slurm_stream_read(&child->out);
        if (n > 0 && both[1].revents)
            slurm_stream_read(&child->err);
        if (slurm_now_ms() > end_ms)
            return false;
    }
    return true;
}

static int slurm_spawn_onto(struct slurm_child *child, const char *const *argv,
                            const int out[2], const int err[2])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                     O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    error = posix_spawnp(&child->pid, argv[0], &actions, &attributes,
                         (char *const *) (uintptr_t) argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* 0 or an errno. */
static int slurm_child_start(struct slurm_child *child, const char *const *argv)
{
    int out[2];
    int err[2];
    int error;

    *child = (struct slurm_child){.out.fd = -1, .err.fd = -1};
    if (pipe2(out, O_CLOEXEC))
        return errno;
    if (pipe2(err, O_CLOEXEC)) {
        error = errno;
        close(out[0]);
        close(out[1]);
        return error;
    }
    error = slurm_spawn_onto(child, argv, out, err);
    close(out[1]);
    close(err[1]);
    child->out.fd = out[0];
    child->err.fd = err[0];
    return error;
}

static void slurm_child_fini(struct slurm_child *child)
{
    slurm_stream_close(&child->out);
    slurm_stream_close(&child->err);
    free(child->out.text);
    free(child->err.text);
}

/* Its wait status. */
static int slurm_child_end(struct slurm_child *child, bool is_late)
{
    int status = 0;

    if (is_late)
        kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* ---- judging ---- */

/* Words of a controller that cannot be reached or wants to be asked later.
 * Source: slurm_errno.c of Slurm 22.05 (SLURM_PROTOCOL_SOCKET_*,
 * SLURMCTLD_COMMUNICATIONS_*, ESLURM_TEMPORARILY_UNABLE_TO_ACCEPT_JOB,
 * SLURM_PROTOCOL_AUTHENTICATION_ERROR while munged restarts). */
static const char *const slurm_unreachable_words[] = {
    "Unable to contact slurm controller",
    "Unable to contact slurmctld",
    "Connection refused",
    "Connection timed out",
    "Connection reset",
    "Socket timed out",
    "Unexpected message received",
    "communication connection failure",
    "communications connection failure",
    "communication shutdown failure",
    "communication send failure",
    "communication receive failure",
    "communications send failure",
    "communications receive failure",
    "Zero Bytes were transmitted or received",
    "Header lengths are longer than data received",
    "Unable to establish",
    "Transport endpoint is not connected",
    "Temporarily unable to accept job",
    "Resource temporarily unavailable",
    "in standby mode",
    "Authentication error",
    "authentication error",
    "Munge encode failed",
    "Slurm temporarily unable to accept job",
    NULL,
};

/* Words of a refusal that fewer or smaller arrays would not get. */
static const char *const slurm_limit_words[] = {
    "Invalid job array specification",
    "MaxSubmitJob",
    "job submit limit",
    "MaxJobCount",
    "Job violates accounting/QOS policy",
    NULL,
};

static bool slurm_has_word(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcasestr(text, *words))
            return true;
    return false;
}

/* The first line that is no warning, without "sbatch: error: ". */
static void slurm_error_line(const char *text, char error[SLURM_ERROR_BYTES])
{
    const char *line = text;
    const char *end;
    const char *words;

    while (*line && (*line == '\n' || !strncmp(line, "sbatch: Warning", 15)))
        line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n');
    end = line + strcspn(line, "\n");
    words = strstr(line, "error: ");
    if (words && words < end)
        line = words + strlen("error: ");
    snprintf(error, SLURM_ERROR_BYTES, "%.*s",
             (int) (end - line < SLURM_ERROR_BYTES ? end - line
                                                   : SLURM_ERROR_BYTES - 1),
             line);
}

static enum slurm_outcome slurm_judge(const char *text, int status,
                                      struct slurm_answer *answer)
{
    slurm_error_line(text, answer->error);
    if (!answer->error[0] && WIFSIGNALED(status))
        snprintf(answer->error, sizeof(answer->error), "ended by signal %d",
                 WTERMSIG(status));
    else if (!answer->error[0])
        snprintf(answer->error, sizeof(answer->error), "exit status %d",
                 WEXITSTATUS(status));
    if (slurm_has_word(text, slurm_limit_words))
        return SLURM_OVER_LIMIT;
    if (slurm_has_word(text, slurm_unreachable_words))
        return SLURM_UNREACHABLE;
    return SLURM_REFUSED;
}

static char *slurm_stream_take(struct slurm_stream *stream)
{
    char *text = stream->text;

    if (!text)
        return strdup("");
    text[stream->n_bytes] = '\0';
    stream->text = NULL;
    return text;
}

static enum slurm_outcome slurm_child_judge(struct slurm_child *child,
                                            int status, bool is_late,
                                            struct slurm_answer *answer)
{
    char *error = slurm_stream_take(&child->err);
    enum slurm_outcome outcome = SLURM_DONE;

    answer->text = slurm_stream_take(&child->out);
    if (is_late) {
        snprintf(answer->error, sizeof(answer->error), "no answer within %d s",
                 DEADLINE_S);
        outcome = SLURM_UNREACHABLE;
    } else if (!answer->text || !error || child->out.has_failed) {
        snprintf(answer->error, sizeof(answer->error),
                 "its output does not fit into memory");
        outcome = SLURM_REFUSED;
    } else if (status) {
        outcome = slurm_judge(error, status, answer);
    }
    free(error);
    return outcome;
}

enum slurm_outcome slurm_command_run(const struct slurm_command *command,
                                     struct slurm_answer *answer)
{
    struct slurm_child child;
    enum slurm_outcome outcome;
    bool is_late;
    int error;

    *answer = (struct slurm_answer){0};
    if (cli_is_interrupted())
        return SLURM_INTERRUPTED;
    error = command->is_full ? E2BIG : slurm_child_start(&child, command->argv);
    if (error) {
        snprintf(answer->error, sizeof(answer->error), "%s", strerror(error));
        if (!command->is_full)
            slurm_child_fini(&child);
        return error == ENOENT ? SLURM_MISSING : SLURM_REFUSED;
    }
    is_late = !slurm_child_read(&child);
    outcome = slurm_child_judge(&child, slurm_child_end(&child, is_late),
                                is_late, answer);
    slurm_child_fini(&child);
    return outcome;
}

enum slurm_outcome slurm_command_retry(const struct slurm_command *command,
                                       uint64_t patience_s, bool is_quiet,
                                       struct slurm_answer *answer)
{
    uint64_t end_ms = slurm_now_ms() + patience_s * 1000;
    uint64_t pause_s = 0;
    enum slurm_outcome outcome;

    while ((outcome = slurm_command_run(command, answer)) ==
               SLURM_UNREACHABLE &&
           slurm_now_ms() < end_ms) {
        if (!pause_s && !is_quiet)
            fprintf(stderr, "mmusim: %s: %s; trying again\n", command->argv[0],
                    answer->error);
        slurm_answer_fini(answer);
        pause_s = slurm_next_pause_s(pause_s);
        if (!slurm_sleep(pause_s * 1000))
            return SLURM_INTERRUPTED;
    }
    return outcome;
}

int slurm_tell(enum slurm_outcome outcome, const char *command,
               const struct slurm_answer *answer)
{
    switch (outcome) {
    case SLURM_DONE:
        return CLI_OK;
    case SLURM_MISSING:
        return cli_error(CLI_SYSTEM,
                         "%s: not found in $PATH (--engine slurm needs Slurm's "
                         "commands; --engine local needs none)",
                         command);
    case SLURM_INTERRUPTED:
        return CLI_INTERRUPTED;
    case SLURM_UNREACHABLE:
        return cli_error(CLI_SYSTEM,
                         "%s: %s (is this a host of Slurm's, and its "
                         "controller up? `scontrol ping`; the same command "
                         "again goes on from here; --engine local needs no "
                         "Slurm)",
                         command, answer->error);
    case SLURM_REFUSED:
    case SLURM_OVER_LIMIT:
        break;
    }
    return cli_error(CLI_SYSTEM, "%s: %s", command, answer->error);
}
