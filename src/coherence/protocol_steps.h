/* SPDX-License-Identifier: MIT */
/* What several protocols do alike. */
#ifndef MMUSIM_COHERENCE_PROTOCOL_STEPS_H
#define MMUSIM_COHERENCE_PROTOCOL_STEPS_H

#include "coherence/asid_alloc.h"
#include "coherence/ipi.h"
#include "coherence/system.h"

/* Counts a flush that this CPU has made, of pages or FLUSH_ALL_PAGES: received
 * if in an interrupt's handler, else its own. */
void mmusim__protocol_count_flush(struct cpu *cpu, uint64_t n_pages);

/* protocol_ops.enter_lazy of kernels that keep the user's tables loaded. */
void mmusim__protocol_enter_lazy(struct cpu *cpu);

/* Pushes the frame of on_each_cpu_mask() before 5.13: the others by `call`;
 * then, if it is in the mask, this CPU with interrupts masked. The request is
 * copied; whom it selects is told of all before any is called. */
typedef void (*protocol_call)(struct cpu *cpu, const struct cpu_mask *mask,
                              const struct flush_request *request);
void mmusim__protocol_call(struct cpu *cpu, const struct cpu_mask *mask,
                           const struct flush_request *request,
                           protocol_call call);
/* This CPU alone, with interrupts masked. */
void mmusim__protocol_run_here(struct cpu *cpu,
                               const struct flush_request *request);

struct cpu_mask mmusim__protocol_all_cpus(const struct system *system);

/* Loads an address space's tables under the ASID that the allocator gives it;
 * what the allocator asks for is still to be done. */
enum asid_switch mmusim__protocol_load(struct cpu *cpu,
                                       struct asid_alloc *asids,
                                       struct address_space *next);

#endif
