/* SPDX-License-Identifier: MIT */
/* An empty call to all: see table_sync.h. */
#include "coherence/table_sync.h"

#include "coherence/ipi.h"
#include "coherence/protocol_steps.h"

void mmusim__table_sync_one(struct cpu *cpu)
{
    struct system *system = cpu->system;
    /* ipi.handler_cycles is all it costs there. */
    const struct flush_request request = {.act = NULL};
    struct cpu_mask all = mmusim__protocol_all_cpus(system);

    system->n_table_syncs++;
    if (system->n_cpus > 1)
        mmusim__ipi_call_many(cpu, &all, &request);
}
