/* SPDX-License-Identifier: MIT */
/* The reader of text traces on any bytes. What it takes must print, and what
 * is printed must be taken and print the same. */
#include "mmusim/trace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

struct printed {
    char *text;
    size_t n_bytes;
};

static int keep(void *context, const char *text, size_t length_bytes)
{
    struct printed *printed = context;
    char *grown = realloc(printed->text, printed->n_bytes + length_bytes + 1);

    if (!grown)
        abort();
    memcpy(grown + printed->n_bytes, text, length_bytes);
    printed->text = grown;
    printed->n_bytes += length_bytes;
    return 0;
}

static mmusim_status_t print_again(const char *text, size_t n_bytes,
                                   struct printed *printed)
{
    static const mmusim_trace_options_t options = {.format = "text"};
    char path[] = "/tmp/fuzz-text-XXXXXX";
    int fd = mkstemp(path);
    mmusim_trace_t *trace = NULL;
    mmusim_diag_t diag;
    mmusim_status_t status;

    if (fd < 0 || write(fd, text, n_bytes) != (ssize_t) n_bytes)
        abort();
    close(fd);
    status = mmusim_trace_open(path, &options, &trace, &diag);
    if (!status && mmusim_trace_cat(trace, NULL, keep, printed, &diag))
        abort(); /* the reader's own blocks must be good */
    mmusim_trace_close(trace);
    unlink(path);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    struct printed first = {0}, second = {0};

    if (print_again((const char *) data, n_bytes, &first) == MMUSIM_OK) {
        if (print_again(first.text, first.n_bytes, &second) ||
            first.n_bytes != second.n_bytes ||
            memcmp(first.text, second.text, first.n_bytes) != 0)
            abort();
    }
    free(first.text);
    free(second.text);
    return 0;
}
