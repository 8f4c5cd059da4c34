/* SPDX-License-Identifier: MIT */
/* The reader of litmus tests on any bytes; what it takes is run, and must run
 * to its end. */
#include "mmusim/litmus.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    static const mmusim_litmus_options_t options = {.schedules = 3};
    mmusim_litmus_t *litmus = NULL;
    mmusim_diag_t diag;
    mmusim_litmus_summary_t summary;

    if (mmusim_litmus_run_text("fuzz", (const char *) data, n_bytes, &options,
                               &litmus, &diag))
        return 0;
    mmusim_litmus_summarize(litmus, &summary);
    if (summary.runs + summary.cut > 3)
        abort();
    for (size_t i = 0; i < summary.n_outcomes; i++) {
        char text[64];
        uint64_t count;
        int holds;

        mmusim_litmus_outcome(litmus, i, text, sizeof(text), &count, &holds);
    }
    mmusim_litmus_destroy(litmus);
    return 0;
}
