/* SPDX-License-Identifier: MIT */
/* Invalidations of secondary TLBs: see notifier.h. The queue of an IOMMU takes
 * the descriptors of all CPUs in turn (Intel VT-d 4.1, 6.5.2; Linux
 * drivers/iommu/intel/dmar.c, qi_submit_sync()). */
#include "coherence/notifier.h"

#include "coherence/iommu.h"
#include "coherence/system.h"

struct notifier_frame {
    struct kframe frame;
    uint64_t mm_id;
    uint64_t start, end;
};

enum { NOTIFIER_QUEUE, NOTIFIER_WAIT, NOTIFIER_DROP };

/* Until the IOMMU and the device have acted on what has been queued, behind
 * what others had queued before. */
static uint64_t notifier_wait_cycles(const struct cpu *cpu, struct iommu *iommu)
{
    uint64_t begin = max_u64(cpu->now, iommu->queue_free_cycle);

    iommu->queue_free_cycle = begin + iommu->config.iotlb_inval_cycles +
                              iommu->config.device_inval_cycles;
    return iommu->queue_free_cycle - cpu->now;
}

static enum kstep notifier_step(struct cpu *cpu, struct kframe *frame)
{
    struct notifier_frame *notifier = (struct notifier_frame *) frame;
    struct iommu *iommu = cpu->system->iommu;

    switch (frame->pc) {
    case NOTIFIER_QUEUE:
        frame->pc = NOTIFIER_WAIT;
        iommu->counters.invalidations++;
        mmusim__cpu_busy(cpu, iommu->config.queue_cycles, BUCKET_FLUSH_LOCAL);
        return KSTEP_NEXT;
    case NOTIFIER_WAIT:
        frame->pc = NOTIFIER_DROP;
        mmusim__cpu_busy(cpu, notifier_wait_cycles(cpu, iommu),
                         BUCKET_IPI_WAIT);
        return KSTEP_NEXT;
    default:
        mmusim__iommu_drop(iommu, notifier->mm_id, notifier->start,
                           notifier->end);
        return KSTEP_DONE;
    }
}

void mmusim__notifier_invalidate(struct cpu *cpu,
                                 const struct address_space *mm, uint64_t start,
                                 uint64_t end)
{
    struct notifier_frame *notifier;

    if (!mm->has_device)
        return;
    notifier = mmusim__cpu_push(cpu, notifier_step, sizeof(*notifier));
    notifier->mm_id = mm->id;
    notifier->start = start;
    notifier->end = end;
}

void mmusim__notifier_release(struct cpu *cpu, struct address_space *mm)
{
    mmusim__notifier_invalidate(cpu, mm, 0, UINT64_MAX);
    mm->has_device = false;
}
