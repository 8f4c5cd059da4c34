/* SPDX-License-Identifier: MIT */
/*
 * Output files: a regular FILE is written as FILE.part and renamed when it is
 * complete, so that an old FILE survives whatever goes wrong. Links are
 * followed: the file behind them is replaced, not the link. Streams write
 * through output_cookie_write, as stdio forgets why a write has failed.
 */
#define _GNU_SOURCE
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char cli_standard_error[] = "standard error";

struct cli_output {
    FILE *stream;
    char *path; /* NULL: standard output */
    char *part; /* NULL: written in place */
    int fd;     /* of a stream that is ours, else -1 */
    int error;  /* errno of the first write to fd that failed */
};

static ssize_t output_cookie_write(void *cookie, const char *bytes, size_t n)
{
    struct cli_output *output = cookie;
    size_t done = 0;

    while (done < n) {
        ssize_t written = write(output->fd, bytes + done, n - done);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            if (!output->error)
                output->error = written ? errno : EIO;
            return 0;
        }
        done += (size_t) written;
    }
    return (ssize_t) n;
}

static int output_cookie_close(void *cookie)
{
    struct cli_output *output = cookie;

    return close(output->fd);
}

/* Takes fd, which may be -1. */
static void output_open_stream(struct cli_output *output, int fd)
{
    static const cookie_io_functions_t functions = {
        .write = output_cookie_write, .close = output_cookie_close};

    output->fd = fd;
    if (fd >= 0)
        output->stream = fopencookie(output, "w", functions);
    if (fd >= 0 && !output->stream)
        close(fd);
}

static int output_is_stdout(const char *path)
{
    return !path || !strcmp(path, "-");
}

static char *output_part_of(const char *path)
{
    size_t size = strlen(path) + sizeof(".part");
    char *part = malloc(size);

    if (part)
        snprintf(part, size, "%s.part", path);
    return part;
}

static int output_is_same(const char *a, const struct stat *b)
{
    struct stat stat_a;

    return !stat(a, &stat_a) && S_ISREG(stat_a.st_mode) &&
           stat_a.st_dev == b->st_dev && stat_a.st_ino == b->st_ino;
}

int cli_output_refuse_input(const char *output, const char *input)
{
    struct stat of_input;
    char *part;
    int is_same;

    if (output_is_stdout(output) || output_is_stdout(input) ||
        stat(input, &of_input))
        return 0;
    part = output_part_of(output);
    if (!part)
        return cli_error(CLI_SYSTEM, "out of memory");
    is_same =
        output_is_same(output, &of_input) || output_is_same(part, &of_input);
    free(part);
    if (is_same)
        return cli_error(CLI_SYSTEM,
                         "%s: the output is the input (choose "
                         "another name for -o)",
                         output);
    return 0;
}

char *cli_output_target(const char *path)
{
    struct stat old;
    int is_regular = !stat(path, &old) && S_ISREG(old.st_mode);

    return is_regular ? realpath(path, NULL) : strdup(path);
}

static void output_free(struct cli_output *output)
{
    free(output->path);
    free(output->part);
    free(output);
}

static int output_open_failed(const char *path)
{
    return cli_error(CLI_SYSTEM, "%s: cannot write: %s", path, strerror(errno));
}

/* The new file gets the old one's permissions. */
static void output_open_part(struct cli_output *output, const struct stat *old)
{
    int fd = open(output->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (fd >= 0 && old)
        (void) fchmod(fd, old->st_mode & 0777);
    output_open_stream(output, fd);
}

static int output_open_file(struct cli_output *output, const char *path)
{
    struct stat old;
    int is_there = !stat(path, &old);

    output->path = cli_output_target(path);
    if (!output->path)
        return output_open_failed(path);
    if (is_there && !S_ISREG(old.st_mode)) {
        output_open_stream(
            output, open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
        return output->stream ? 0 : output_open_failed(path);
    }
    if (is_there && access(path, W_OK))
        return output_open_failed(path);
    output->part = output_part_of(output->path);
    if (!output->part)
        return cli_error(CLI_SYSTEM, "out of memory");
    output_open_part(output, is_there ? &old : NULL);
    return output->stream ? 0 : output_open_failed(output->part);
}

/* A stream of its own, closed like a file's. */
static int output_open_error(struct cli_output *output)
{
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

    output->path = strdup(cli_standard_error);
    output_open_stream(output, fd);
    if (output->stream && output->path)
        return 0;
    if (output->stream)
        fclose(output->stream);
    return output_open_failed(cli_standard_error);
}

struct cli_output *cli_output_open(const char *path, int *exit_status)
{
    struct cli_output *output = calloc(1, sizeof(*output));

    if (!output) {
        *exit_status = cli_error(CLI_SYSTEM, "out of memory");
        return NULL;
    }
    *exit_status = 0;
    if (path == cli_standard_error)
        *exit_status = output_open_error(output);
    else if (output_is_stdout(path))
        output->stream = stdout;
    else
        *exit_status = output_open_file(output, path);
    if (*exit_status) {
        output_free(output);
        return NULL;
    }
    return output;
}

void *cli_output_stream(struct cli_output *output)
{
    return output->stream;
}

/* Flushes and closes; 0, or errno of the first failure. */
static int output_finish_stream(struct cli_output *output)
{
    FILE *stream = output->stream;
    int has_failed = ferror(stream);
    int error = 0;

    errno = 0;
    if (output->path ? fclose(stream) : fflush(stream))
        error = errno ? errno : EIO;
    output->stream = NULL;
    if (output->error)
        return output->error;
    return error ? error : has_failed ? EIO : 0;
}

int cli_output_close(struct cli_output *output)
{
    const char *name = output->path ? output->path : "standard output";
    int error = output_finish_stream(output);
    int status = 0;

    if (!error && output->part && rename(output->part, output->path))
        error = errno;
    if (error) {
        if (output->part)
            unlink(output->part);
        status = cli_error(CLI_SYSTEM, "%s: cannot write: %s", name,
                           strerror(error));
    }
    output_free(output);
    return status;
}

void cli_output_abandon(struct cli_output *output)
{
    if (!output)
        return;
    output_finish_stream(output);
    if (output->part)
        unlink(output->part);
    output_free(output);
}
