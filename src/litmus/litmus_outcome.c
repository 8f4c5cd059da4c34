/* SPDX-License-Identifier: MIT */
/* What a run ended with, and how often runs did. */
#include "litmus/litmus_outcome.h"

#include <stdlib.h>
#include <string.h>

static bool outcome_has_fault(const struct litmus_pe *pe,
                              const struct litmus_atom *atom)
{
    for (uint32_t i = 0; i < pe->n_faults; i++) {
        const struct litmus_fault_record *record = &pe->faults[i];

        int location = atom->location +
                       (atom->is_of_descriptor ? LITMUS_MAX_LOCATIONS : 0);

        if ((!atom->has_label || atom->label == record->pc) &&
            (!atom->has_location || location == record->location) &&
            (!atom->fault || atom->fault == record->fault))
            return true;
    }
    return false;
}

static uint64_t outcome_value_of(const struct litmus_run *run,
                                 const struct litmus_atom *atom)
{
    const struct litmus_location *location =
        &run->test->locations[atom->location];
    uint32_t version;

    switch (atom->kind) {
    case LITMUS_ATOM_REGISTER:
        return mmusim__litmus_register_value(&run->pes[atom->thread],
                                             atom->reg);
    case LITMUS_ATOM_MEMORY:
        return mmusim__litmus_read(
            run->world,
            ((LITMUS_FRAME + atom->location) << BASE_PAGE_SHIFT) + atom->offset,
            location->element_bytes, &version);
    case LITMUS_ATOM_DESCRIPTOR:
        return mmusim__litmus_descriptor(run->world, atom->location);
    case LITMUS_ATOM_FAULT:
        return outcome_has_fault(&run->pes[atom->thread], atom);
    }
    return 0;
}

static struct litmus_outcome *outcome_find(struct litmus_result *result,
                                           const uint64_t *values)
{
    struct litmus_outcome *outcome;

    for (uint32_t i = 0; i < result->n_outcomes; i++) {
        if (!memcmp(result->outcomes[i].values, values,
                    sizeof(outcome->values)))
            return &result->outcomes[i];
    }
    if (result->n_outcomes == result->capacity) {
        uint32_t capacity = result->capacity ? 2 * result->capacity : 16;
        struct litmus_outcome *grown =
            realloc(result->outcomes, capacity * sizeof(*grown));

        if (!grown)
            return NULL;
        result->outcomes = grown;
        result->capacity = capacity;
    }
    outcome = &result->outcomes[result->n_outcomes++];
    memset(outcome, 0, sizeof(*outcome));
    memcpy(outcome->values, values, sizeof(outcome->values));
    return outcome;
}

mmusim_status_t mmusim__litmus_record(const struct litmus_run *run,
                                      struct litmus_result *result)
{
    const struct litmus_test *test = run->test;
    uint64_t values[LITMUS_MAX_OBSERVED] = {0};
    struct litmus_outcome *outcome;

    for (uint32_t i = 0; i < test->n_atoms; i++)
        values[i] = outcome_value_of(run, &test->atoms[i]);
    if (test->has_filter && !mmusim__litmus_holds(test, test->filter, values)) {
        result->n_filtered++;
        return MMUSIM_OK;
    }
    outcome = outcome_find(result, values);
    if (!outcome)
        return MMUSIM_NOMEM;
    outcome->count++;
    outcome->holds = mmusim__litmus_holds(test, test->root, values);
    result->n_positive += outcome->holds;
    result->n_runs++;
    return MMUSIM_OK;
}
