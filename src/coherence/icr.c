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

/* The first target after `first` that the write does not reach. */
static uint32_t icr_reach_end(const struct cpu *cpu,
                              const struct cpu_mask *targets, uint32_t first)
{
    const struct ipi_config *ipi = &cpu->system->ipi;

    if (ipi->mode == IPI_XAPIC)
        return first + 1;
    if (ipi->mode == IPI_SHORTHAND && !cpu_mask_has(targets, cpu->id) &&
        cpu_mask_count(targets) == cpu->system->n_cpus - 1)
        return MAX_CPUS;
    return (first / ipi->cluster_cpus + 1) * ipi->cluster_cpus;
}

uint32_t mmusim__icr_write(struct cpu *cpu, const struct cpu_mask *targets,
                           uint32_t first, const struct icr_message *message)
{
    const struct system *system = cpu->system;
    const struct ipi_config *ipi = &system->ipi;
    const struct virt_config *virt = &system->virt;
    uint32_t end = icr_reach_end(cpu, targets, first);
    uint64_t write_cycles = ipi->send_cycles;
    uint32_t id = first;

    if (virt->interrupts == VIRT_EXITS || virt->interrupts == VIRT_POSTED)
        write_cycles += virt->icr_exit_cycles;
    while (id < end && id < MAX_CPUS) {
        struct cpu *target = &system->cpus[id];

        if (!mmusim__flight_send(cpu, target,
                                 cpu->now + write_cycles +
                                     mmusim__icr_latency(cpu, target),
                                 message->arrive, message->cargo))
            return MAX_CPUS;
        id = cpu_mask_next(targets, id + 1);
    }
    if (ipi->mode == IPI_XAPIC)
        write_cycles += ipi->status_cycles;
    mmusim__cpu_busy(cpu, write_cycles, BUCKET_IPI_SEND);
    return id;
}

uint32_t mmusim__icr_min_delivery_cycles(const struct system *system)
{
    const struct distance_cycles latency = icr_latencies(system);

    return system->ipi.send_cycles + distance_least(&latency);
}
