/* SPDX-License-Identifier: MIT */
/*
 * Checking a trace of any format. Another format than the native one is read to
 * its first damage, and what it becomes is thrown away.
 */
#include "core/diag.h"
#include "trace/trace_handle.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The importer's first complaint, in *damage. Nobody reads what is written:
 * packing it would take more time than reading. */
static mmusim_status_t verify_import(struct import *import,
                                     mmusim_diag_t *damage, mmusim_diag_t *diag)
{
    const struct trace_writer_options stored = {.is_stored = true};
    struct trace_writer *writer = NULL;
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    mmusim_status_t status = MMUSIM_OK;

    if (fd < 0)
        return mmusim__diag_set(diag, MMUSIM_SYSTEM, "/dev/null: %s",
                                strerror(errno));
    status = mmusim__trace_writer_create_fd(fd, &stored, &writer, diag);
    if (!status)
        status = mmusim__import_run(import, writer, false, damage);
    mmusim__trace_writer_abandon(writer);
    close(fd);
    return status;
}

/* Damage is what was looked for; other failures are the caller's. */
static mmusim_status_t
verify_foreign(struct import *import,
               void (*report)(void *context, const mmusim_diag_t *diag),
               void *context, uint64_t *n_damaged, mmusim_diag_t *diag)
{
    mmusim_diag_t damage = {0};
    mmusim_status_t status = verify_import(import, &damage, diag);

    *n_damaged = status == MMUSIM_DAMAGED;
    if (status == MMUSIM_DAMAGED)
        report(context, &damage);
    else if (status && damage.status && diag)
        *diag = damage;
    return status == MMUSIM_DAMAGED ? MMUSIM_OK : status;
}

/* What could not be opened. */
static mmusim_status_t
verify_unknown(const mmusim_diag_t *unknown,
               void (*report)(void *context, const mmusim_diag_t *diag),
               void *context, uint64_t *n_damaged, mmusim_diag_t *diag)
{
    if (unknown->status != MMUSIM_DAMAGED) {
        if (diag)
            *diag = *unknown;
        return unknown->status;
    }
    *n_damaged = 1;
    report(context, unknown);
    return MMUSIM_OK;
}

static void verify_ignore(void *context, const mmusim_diag_t *diag)
{
    (void) context;
    (void) diag;
}

/* Whether a file of no known format is a native trace whose first header is
 * damaged: it has blocks all the same. */
static bool verify_has_blocks(const char *path)
{
    const struct trace_damage_sink sink = {verify_ignore, NULL};
    struct trace_file file = {.fd = -1};
    bool has = strcmp(path, "-") != 0 &&
               !mmusim__trace_file_open(&file, path, NULL, NULL) &&
               !mmusim__trace_file_scan(&file, &sink, NULL) && file.n_blocks;

    mmusim__trace_file_close(&file);
    return has;
}

mmusim_status_t
mmusim_trace_verify_as(const char *path, const mmusim_trace_options_t *options,
                       void (*report)(void *context, const mmusim_diag_t *diag),
                       void *context, uint64_t *n_damaged, mmusim_diag_t *diag)
{
    static const mmusim_trace_options_t none = {0};
    struct import import;
    struct trace_file file = {.fd = -1};
    mmusim_diag_t unknown = {0};
    mmusim_status_t status = mmusim__trace_find_import(
        &import, path, options ? options : &none, &unknown);
    bool is_native = !status && !import.ops;

    if (!status && !is_native)
        status = verify_foreign(&import, report, context, n_damaged, diag);
    else if (is_native)
        status = mmusim__trace_open_native(&file, &import, diag);
    else if (!import.ops && status == MMUSIM_DAMAGED &&
             verify_has_blocks(path)) {
        is_native = true;
        status = mmusim__trace_file_open(&file, path, NULL, diag);
    } else
        status = verify_unknown(&unknown, report, context, n_damaged, diag);
    if (!status && is_native)
        status =
            mmusim__trace_verify_file(&file, report, context, n_damaged, diag);
    mmusim__import_close(&import);
    return status;
}

mmusim_status_t
mmusim_trace_verify(const char *path,
                    void (*report)(void *context, const mmusim_diag_t *diag),
                    void *context, uint64_t *n_damaged, mmusim_diag_t *diag)
{
    return mmusim_trace_verify_as(path, NULL, report, context, n_damaged, diag);
}
