/* SPDX-License-Identifier: MIT */
/* Observers of a machine: see mmusim/observe.h. */
#include "mmusim/observe.h"

#include "coherence/observers.h"
#include "machine/machine.h"

mmusim_status_t mmusim_machine_observe(mmusim_machine_t *machine,
                                       const mmusim_observer_t *observer)
{
    if (machine->has_run)
        return MMUSIM_USAGE;
    if (!machine->observers)
        machine->observers = mmusim__observers_create(&machine->system);
    if (!machine->observers)
        return MMUSIM_NOMEM;
    machine->shared.observer = &machine->observers->mmu;
    return mmusim__observers_add(machine->observers, observer) ? MMUSIM_OK
                                                               : MMUSIM_NOMEM;
}

uint32_t mmusim_machine_cpus(const mmusim_machine_t *machine)
{
    return machine->system.n_cpus;
}

uint64_t mmusim_machine_clock_khz(const mmusim_machine_t *machine)
{
    return machine->config.clock_khz;
}
