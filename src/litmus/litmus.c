/* SPDX-License-Identifier: MIT */
/* The public face of litmus tests: mmusim/litmus.h. */
#include "mmusim/litmus.h"

#include "core/diag.h"
#include "litmus/litmus_file.h"
#include "litmus/litmus_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LITMUS_DEFAULT_SCHEDULES = 10000 };

struct mmusim_litmus {
    struct litmus_test test;
    struct litmus_result result;
};

static int litmus_by_count(const void *left, const void *right)
{
    const struct litmus_outcome *a = left, *b = right;

    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return memcmp(a->values, b->values, sizeof(a->values));
}

mmusim_status_t mmusim_litmus_run_text(const char *file, const char *text,
                                       size_t size_bytes,
                                       const mmusim_litmus_options_t *options,
                                       mmusim_litmus_t **litmus,
                                       mmusim_diag_t *diag)
{
    mmusim_litmus_t *made = calloc(1, sizeof(*made));
    struct litmus_plan plan = {.n_schedules = LITMUS_DEFAULT_SCHEDULES};
    mmusim_status_t status;

    if (!made)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "%s: out of memory", file);
    if (options) {
        plan.seed = options->seed;
        plan.stop = options->stop;
        plan.stop_context = options->stop_context;
        if (options->schedules)
            plan.n_schedules = options->schedules;
    }
    status = mmusim__litmus_parse(file, text, size_bytes, &made->test, diag);
    if (status)
        goto fail;
    status = mmusim__litmus_explore(&made->test, &plan, &made->result);
    if (status) {
        mmusim__diag_set(diag, status, "%s: %s", file, mmusim_strerror(status));
        goto fail;
    }
    if (made->result.n_outcomes)
        qsort(made->result.outcomes, made->result.n_outcomes,
              sizeof(*made->result.outcomes), litmus_by_count);
    *litmus = made;
    return MMUSIM_OK;
fail:
    mmusim_litmus_destroy(made);
    return status;
}

mmusim_status_t mmusim_litmus_run(const char *path,
                                  const mmusim_litmus_options_t *options,
                                  mmusim_litmus_t **litmus, mmusim_diag_t *diag)
{
    char *text;
    size_t n_bytes;
    mmusim_status_t status =
        mmusim__litmus_read_file(path, &text, &n_bytes, diag);

    if (status)
        return status;
    status = mmusim_litmus_run_text(path, text, n_bytes, options, litmus, diag);
    free(text);
    return status;
}

void mmusim_litmus_destroy(mmusim_litmus_t *litmus)
{
    if (!litmus)
        return;
    free(litmus->result.outcomes);
    free(litmus);
}

void mmusim_litmus_summarize(const mmusim_litmus_t *litmus,
                             mmusim_litmus_summary_t *summary)
{
    static const struct {
        const char *name;
        mmusim_litmus_verdict_t implied;
    } quantifiers[] = {
        [LITMUS_EXISTS] = {"exists", MMUSIM_LITMUS_ALLOWED},
        [LITMUS_NOT_EXISTS] = {"~exists", MMUSIM_LITMUS_FORBIDDEN},
        [LITMUS_FORALL] = {"forall", MMUSIM_LITMUS_REQUIRED},
    };

    *summary = (mmusim_litmus_summary_t){
        .name = litmus->test.name,
        .quantifier = quantifiers[litmus->test.quantifier].name,
        .implied = quantifiers[litmus->test.quantifier].implied,
        .n_threads = litmus->test.n_threads,
        .n_outcomes = litmus->result.n_outcomes,
        .runs = litmus->result.n_runs,
        .positive = litmus->result.n_positive,
        .cut = litmus->result.n_cut,
        .stuck = litmus->result.n_stuck,
    };
}

size_t mmusim_litmus_outcome(const mmusim_litmus_t *litmus, size_t i,
                             char *text, size_t size_bytes, uint64_t *count,
                             int *holds)
{
    const struct litmus_outcome *outcome = &litmus->result.outcomes[i];
    char atom[256];
    size_t length = 0;

    if (size_bytes)
        text[0] = 0;
    for (uint32_t k = 0; k < litmus->test.n_atoms; k++) {
        size_t left = length < size_bytes ? size_bytes - length : 0;
        int n;

        mmusim__litmus_print_atom(&litmus->test, &litmus->test.atoms[k],
                                  outcome->values[k], atom, sizeof(atom));
        n = snprintf(left ? text + length : NULL, left, "%s%s;", k ? " " : "",
                     atom);
        length += n > 0 ? (size_t) n : 0;
    }
    *count = outcome->count;
    *holds = outcome->holds;
    return length;
}
