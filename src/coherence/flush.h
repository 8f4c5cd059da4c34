/* SPDX-License-Identifier: MIT */
/*
 * Flushes as the operating system asks for them: the one door from os/ to the
 * protocol. Here a flush begins, and here it is known to be complete: whoever
 * has to hear of either (secondary TLBs, observers) hooks in here.
 *
 * Each function begins an operation on the calling CPU, which is in kernel
 * mode with interrupts enabled: it acts locally, charges what that costs, and
 * pushes the frames that wait for the others. The caller returns KSTEP_NEXT at
 * once, and is stepped again when the flush is complete.
 */
#ifndef MMUSIM_COHERENCE_FLUSH_H
#define MMUSIM_COHERENCE_FLUSH_H

#include "coherence/ipi.h"
#include "coherence/protocol.h"

/* flush_tlb_range(): the entries of a range have changed. */
void mmusim__flush_range(struct cpu *cpu, struct address_space *mm,
                         const struct flush_span *span);
/* flush_tlb_mm(). */
void mmusim__flush_mm(struct cpu *cpu, struct address_space *mm);
/* tlb_flush(): what an mmu_gather has collected. */
void mmusim__flush_gather(struct cpu *cpu, struct address_space *mm,
                          const struct flush_span *span);
/* flush_tlb_page(); order: of the page, in 4 KiB units. */
void mmusim__flush_page(struct cpu *cpu, struct address_space *mm,
                        uint64_t vaddr, uint32_t order);
void mmusim__flush_kernel_range(struct cpu *cpu, uint64_t start, uint64_t end);
void mmusim__flush_all(struct cpu *cpu);

/*
 * Batched unmapping (mm/rmap.c): entries cleared now, flushed later for many.
 * batch_defers: may this one wait? batch_add: it has been cleared and waits;
 * returns the cycles of what is done at once, and may push a frame that sends
 * messages: the caller returns KSTEP_NEXT. batch: all that this CPU has added;
 * pushes frames. batch_pending (flush_tlb_batched_pending()): another's batch
 * may hold entries of mm; pushes frames.
 */
bool mmusim__flush_batch_defers(const struct cpu *cpu,
                                const struct address_space *mm);
uint32_t mmusim__flush_batch_add(struct cpu *cpu, struct address_space *mm,
                                 uint64_t vaddr, uint32_t order);
void mmusim__flush_batch(struct cpu *cpu);
void mmusim__flush_batch_pending(struct cpu *cpu, struct address_space *mm);

/* flush_tlb_batched_pending(), under a table's lock: whoever is going to take
 * an entry that is not there for flushed. Pushes the frames of the flush if a
 * batch has cleared entries of mm since the last one, and the version knows;
 * false: it has not, or does not. */
bool mmusim__batched_pending(struct cpu *cpu, struct address_space *mm);

/* switch_mm(): loads next; interrupts are masked. The time goes to bucket; as
 * above, the caller is stepped again when next is loaded. */
void mmusim__flush_switch_mm(struct cpu *cpu, struct address_space *next,
                             enum bucket bucket);

/* A range of plain pages; the usual case. */
static inline struct flush_span flush_span_of(uint64_t start, uint64_t end)
{
    return (struct flush_span){.start = start, .end = end};
}

static inline struct flush_span flush_span_all(void)
{
    return (struct flush_span){.end = FLUSH_END_ALL};
}

#endif
