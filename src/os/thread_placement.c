/* SPDX-License-Identifier: MIT */
/* Which CPU is CPU n: see thread_placement.h. CPUs are numbered as
 * mmusim__cpu_place() says. */
#include "os/thread_placement.h"

#include "coherence/system.h"

struct cpu *mmusim__thread_place(const struct kernel *kernel, uint64_t n)
{
    const struct system *system = kernel->system;
    uint32_t n_cpus = system->n_cpus;
    uint32_t n_cores = system->cpus[n_cpus - 1].core + 1;
    uint32_t cores_per_socket = n_cores / system->n_sockets;
    uint32_t threads_per_core = n_cpus / n_cores;
    uint32_t at = (uint32_t) (n % n_cpus);
    uint32_t thread = at / n_cores, core = at % n_cores;

    switch (kernel->config.thread_placement) {
    case PLACE_CORES:
        break;
    case PLACE_SPREAD:
        core = core % system->n_sockets * cores_per_socket +
               core / system->n_sockets;
        break;
    case PLACE_PAIRS:
        thread = at % threads_per_core;
        core = at / threads_per_core;
        break;
    }
    return &system->cpus[thread * n_cores + core];
}
