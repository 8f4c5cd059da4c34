/* SPDX-License-Identifier: MIT */
#include "litmus/litmus_file.h"

#include "core/diag.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No litmus test and no list of verdicts is as large; a guess. */
enum { FILE_MAX_BYTES = 1 << 20 };

mmusim_status_t mmusim__litmus_read_file(const char *path, char **text,
                                         size_t *n_bytes, mmusim_diag_t *diag)
{
    FILE *file = fopen(path, "rb");
    char *buffer = NULL;
    mmusim_status_t status = MMUSIM_OK;

    if (!file)
        return mmusim__diag_set(diag, MMUSIM_UNREADABLE, "%s: %s", path,
                                strerror(errno));
    buffer = malloc(FILE_MAX_BYTES + 1);
    if (!buffer) {
        status =
            mmusim__diag_set(diag, MMUSIM_NOMEM, "%s: out of memory", path);
    } else {
        *n_bytes = fread(buffer, 1, FILE_MAX_BYTES + 1, file);
        if (ferror(file))
            status = mmusim__diag_set(diag, MMUSIM_UNREADABLE, "%s: %s", path,
                                      strerror(errno));
        else if (*n_bytes > FILE_MAX_BYTES)
            status = mmusim__diag_set(diag, MMUSIM_DAMAGED,
                                      "%s: larger than 1 MiB (a litmus test "
                                      "has a few lines)",
                                      path);
    }
    fclose(file);
    if (status) {
        free(buffer);
        return status;
    }
    buffer[*n_bytes] = 0;
    *text = buffer;
    return MMUSIM_OK;
}
