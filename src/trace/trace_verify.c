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

/* The importer's first complaint, in *damage. */
static mmusim_status_t verify_import(struct import *import,
                                     mmusim_diag_t *damage, mmusim_diag_t *diag)
{
    struct trace_writer *writer = NULL;
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    mmusim_status_t status = MMUSIM_OK;

    if (fd < 0)
        return mmusim__diag_set(diag, MMUSIM_SYSTEM, "/dev/null: %s",
                                strerror(errno));
    status = mmusim__trace_writer_create_fd(fd, NULL, &writer, diag);
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

mmusim_status_t
mmusim_trace_verify(const char *path,
                    void (*report)(void *context, const mmusim_diag_t *diag),
                    void *context, uint64_t *n_damaged, mmusim_diag_t *diag)
{
    struct import import;
    struct trace_file file = {.fd = -1};
    mmusim_status_t status = mmusim__import_open(&import, path, NULL, diag);
    bool is_native = !import.ops;

    if (!status && import.ops)
        status = verify_foreign(&import, report, context, n_damaged, diag);
    else if (!status)
        status = mmusim__trace_open_native(&file, &import, diag);
    else if (status == MMUSIM_DAMAGED && strcmp(path, "-") != 0)
        /* of no format, or a native trace without one whole header */
        status = mmusim__trace_file_open(&file, path, NULL, diag);
    if (!status && is_native)
        status =
            mmusim__trace_verify_file(&file, report, context, n_damaged, diag);
    mmusim__import_close(&import);
    return status;
}
