/* SPDX-License-Identifier: MIT */
/* Importers on any bytes: format by content, then one that is forced; both
 * with and without salvage. What is taken must print. */
#include "mmusim/trace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static int swallow(void *context, const char *text, size_t length_bytes)
{
    (void) text;
    *(size_t *) context += length_bytes;
    return 0;
}

static void read_as(const char *path, const char *format)
{
    mmusim_trace_options_t options = {.format = format};
    mmusim_trace_t *trace = NULL;
    mmusim_diag_t diag = {0};
    size_t n_printed = 0;
    char text[1024];

    for (int salvages = 0; salvages < 2; salvages++) {
        options.salvages = salvages;
        if (mmusim_trace_open(path, &options, &trace, &diag)) {
            if (!mmusim_diag_format(&diag, text, sizeof(text)))
                abort();
        } else if (mmusim_trace_cat(trace, NULL, swallow, &n_printed, &diag) &&
                   strcmp(mmusim_trace_format(trace), "native") != 0) {
            abort(); /* the importer's own blocks must be good */
        }
        mmusim_trace_close(trace);
    }
}

struct choice {
    int n; /* formats still to be passed over */
    const char *name;
};

static int find(void *context, const mmusim_trace_format_item_t *item)
{
    struct choice *choice = context;

    if (item->option || choice->n-- > 0)
        return 0;
    choice->name = item->name;
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    char path[] = "/tmp/fuzz-import-XXXXXX";
    struct choice choice = {.n = n_bytes ? data[n_bytes / 2] % 11 : 0};
    int fd = mkstemp(path);

    if (fd < 0 || write(fd, data, n_bytes) != (ssize_t) n_bytes)
        abort();
    close(fd);
    read_as(path, NULL);
    mmusim_trace_format_each(find, &choice);
    if (choice.name)
        read_as(path, choice.name);
    unlink(path);
    return 0;
}
