/* SPDX-License-Identifier: MIT */
/* Traces of a plan, and that they do not change under it. */
#include "cli/store_source.h"

#include "cli/cli.h"
#include "cli/sweep_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t source_records(const mmusim_trace_t *trace)
{
    uint64_t sum = 0, records;
    uint32_t tid;

    for (uint32_t i = 0; mmusim_trace_thread(trace, i, &tid, &records); i++)
        sum += records;
    return sum;
}

static int source_look_at_file(struct store_source *source)
{
    struct stat status;
    int error;

    if (stat(source->path, &status))
        return cli_error(CLI_INPUT, "%s: %s", source->path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return cli_error(CLI_USAGE,
                         "%s: a store needs a regular file (its points are "
                         "computed at different times)",
                         source->name);
    error = sweep_file_crc(source->path, &source->crc, &status);
    if (error)
        return cli_error(CLI_INPUT, "%s: %s", source->path, strerror(error));
    source->bytes = (uint64_t) status.st_size;
    source->mtime_ns =
        (int64_t) status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    return 0;
}

int store_source_look(struct store_source *source,
                      const struct run_setup *setup)
{
    struct run_setup one = *setup;
    struct run_input input;
    int status;

    if (!strcmp(source->name, "-"))
        return cli_error(CLI_USAGE, "--store: standard input cannot be read "
                                    "again for each point (a file, or "
                                    "workload:NAME)");
    one.source = source->name;
    if (!mmusim_is_workload(source->name)) {
        source->path = run_find_source(source->name);
        if (!source->path)
            return cli_error(CLI_INPUT, "%s: %s", source->name,
                             strerror(errno));
        status = source_look_at_file(source);
        if (status)
            return status;
    }
    status = run_open_input(&one, &input);
    if (status)
        return status;
    if (input.trace)
        source->records = source_records(input.trace);
    run_close_input(&input);
    return 0;
}

/* ---- at work ---- */

static bool source_fail(char *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool source_fail(char *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, STORE_SOURCE_ERROR_BYTES, format, args);
    va_end(args);
    return false;
}

static bool source_is_same(const struct store_input *input,
                           const struct stat *status)
{
    return input->device == status->st_dev && input->inode == status->st_ino &&
           input->bytes == status->st_size &&
           input->changed.tv_sec == status->st_mtim.tv_sec &&
           input->changed.tv_nsec == status->st_mtim.tv_nsec;
}

/* Reads all of the file: is it the one that was planned? */
static bool source_verify(struct store_input *input, char *error)
{
    const struct store_source *source = input->source;
    struct stat status;
    uint32_t crc;
    int failed = sweep_file_crc(input->path, &crc, &status);

    if (failed)
        return source_fail(error, "%s: %s", input->path, strerror(failed));
    if ((uint64_t) status.st_size != source->bytes || crc != source->crc)
        return source_fail(
            error,
            "%s: changed since the sweep was planned: %" PRIu64
            " bytes with CRC-32 %08" PRIx32 " then, %" PRIu64 " with %08" PRIx32
            " now (restore it, or plan the sweep in another folder)",
            input->path, source->bytes, source->crc, (uint64_t) status.st_size,
            crc);
    input->device = status.st_dev;
    input->inode = status.st_ino;
    input->bytes = status.st_size;
    input->changed = status.st_mtim;
    return true;
}

/* Where the plan says, else where the name leads from here. */
static char *source_find(const struct store_source *source)
{
    if (!access(source->path, R_OK))
        return strdup(source->path);
    return run_find_source(source->name);
}

bool store_input_check(struct store_input *input,
                       char error[STORE_SOURCE_ERROR_BYTES])
{
    struct stat status;

    if (!input->path)
        return true;
    if (stat(input->path, &status))
        return source_fail(error, "%s: %s", input->path, strerror(errno));
    return source_is_same(input, &status) || source_verify(input, error);
}

static bool source_open(struct store_input *input,
                        const struct store_plan *plan, uint64_t cache_bytes,
                        char *error)
{
    mmusim_trace_options_t options = {.format = plan->format,
                                      .salvages = plan->salvages,
                                      .cache_bytes = cache_bytes};
    mmusim_diag_t diag = {0};

    input->path = source_find(input->source);
    if (!input->path)
        return source_fail(error, "%s: %s", input->source->path,
                           strerror(errno));
    if (!source_verify(input, error))
        return false;
    if (mmusim_trace_open(input->path, &options, &input->run.trace, &diag)) {
        mmusim_diag_format(&diag, error, STORE_SOURCE_ERROR_BYTES);
        return false;
    }
    return store_input_check(input, error);
}

bool store_input_open(struct store_input *input, const struct store_plan *plan,
                      size_t source, uint64_t cache_bytes,
                      char error[STORE_SOURCE_ERROR_BYTES])
{
    const struct store_source *wanted = &plan->sources[source];

    if (input->source == wanted)
        return store_input_check(input, error);
    store_input_close(input);
    input->source = wanted;
    if (!wanted->path) {
        input->run.workload = wanted->name;
        return true;
    }
    if (source_open(input, plan, cache_bytes, error))
        return true;
    store_input_close(input);
    return false;
}

void store_input_close(struct store_input *input)
{
    run_close_input(&input->run);
    free(input->path);
    memset(input, 0, sizeof(*input));
}
