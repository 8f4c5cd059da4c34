/* SPDX-License-Identifier: MIT */
/* The interrupt command register: see icr.h. */
#include "coherence/icr.h"

#include "coherence/distance.h"
#include "coherence/flight.h"

static struct distance_cycles icr_latencies(const struct system *system)
{
    const struct ipi_config *ipi = &system->ipi;

    return (struct distance_cycles){
        ipi->latency_core_cycles, ipi->latency_socket_cycles,
        ipi->latency_remote_cycles, ipi->hop_cycles};
}

uint32_t mmusim__icr_latency(const struct cpu *from, const struct cpu *to)
{
    const struct distance_cycles latency = icr_latencies(from->system);

    return mmusim__distance(from, to, &latency);
}

uint32_t mmusim__icr_ack_latency(const struct cpu *from, const struct cpu *to)
{
    const struct ipi_config *ipi = &from->system->ipi;
    const struct distance_cycles latency = {
        ipi->ack_core_cycles, ipi->ack_socket_cycles, ipi->ack_remote_cycles,
        ipi->ack_hop_cycles};

    return mmusim__distance(from, to, &latency);
}

/* What one write for the first target reaches, among the targets. */
static bool icr_reaches(const struct cpu *first, const struct cpu *target)
{
    const struct ipi_config *ipi = &first->system->ipi;

    if (ipi->mode == IPI_XAPIC)
        return target == first;
    return target->apic_id / ipi->cluster_cpus ==
           first->apic_id / ipi->cluster_cpus;
}

static bool icr_takes_shorthand(const struct cpu *cpu,
                                const struct cpu_mask *targets)
{
    const struct system *system = cpu->system;

    return system->ipi.mode == IPI_SHORTHAND &&
           !cpu_mask_has(targets, cpu->id) &&
           cpu_mask_count(targets) == system->n_cpus - 1;
}

/* Cycles until the write has left the CPU. */
static uint64_t icr_write_cycles(const struct system *system)
{
    uint64_t cycles = system->ipi.send_cycles;

    return system->virt.interrupts == VIRT_EXITS ||
                   system->virt.interrupts == VIRT_POSTED
               ? cycles + system->virt.icr_exit_cycles
               : cycles;
}

bool mmusim__icr_write(struct cpu *cpu, struct cpu_mask *targets,
                       const struct icr_message *message)
{
    const struct system *system = cpu->system;
    bool is_for_all = icr_takes_shorthand(cpu, targets);
    uint32_t id = cpu_mask_next(targets, 0);
    const struct cpu *first = &system->cpus[id];
    uint64_t cycles = icr_write_cycles(system);

    for (; id < MAX_CPUS; id = cpu_mask_next(targets, id + 1)) {
        struct cpu *target = &system->cpus[id];

        if (!is_for_all && !icr_reaches(first, target))
            continue;
        cpu_mask_clear(targets, id);
        if (!mmusim__flight_send(cpu, target,
                                 cpu->now + cycles +
                                     mmusim__icr_latency(cpu, target),
                                 message->arrive, message->cargo))
            return false;
    }
    if (system->ipi.mode == IPI_XAPIC)
        cycles += system->ipi.status_cycles;
    mmusim__cpu_busy(cpu, cycles, BUCKET_IPI_SEND);
    return cpu_mask_count(targets) > 0;
}

uint32_t mmusim__icr_min_delivery_cycles(const struct system *system)
{
    const struct distance_cycles latency = icr_latencies(system);

    return system->ipi.send_cycles + distance_least(&latency);
}
