/* SPDX-License-Identifier: MIT */
/* The trace reader on any bytes: native and text, failing and salvaging. */
#include "core/source.h"
#include "mmusim/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void read_all(const char *path, bool salvages)
{
    const mmusim_trace_options_t options = {.salvages = salvages,
                                            .cache_bytes = salvages};
    mmusim_diag_t diag;
    mmusim_trace_t *trace;
    mmusim_source_t *source;
    struct op_piece piece = {0};

    if (mmusim_trace_open(path, &options, &trace, &diag))
        return;
    if (!mmusim_trace_source(trace, &source, &diag)) {
        for (uint32_t t = 0; t < source->n_threads; t++) {
            while (!source->ops->next(source, t, &piece, &diag) &&
                   piece.n_records)
                continue;
        }
        mmusim_source_destroy(source);
    }
    mmusim_trace_close(trace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    char path[] = "/tmp/fuzz-trace-XXXXXX";
    int fd = mkstemp(path);

    if (fd < 0)
        abort();
    if (write(fd, data, n_bytes) == (ssize_t) n_bytes) {
        read_all(path, false);
        read_all(path, true);
    }
    close(fd);
    unlink(path);
    return 0;
}
