/* SPDX-License-Identifier: MIT */
/*
 * `dma`: the thread has a device read or write memory at its own addresses and
 * waits for it (coherence/iommu.h). Page by page: the device's TLB; else a
 * translation request (ATS) to the IOMMU, its IOTLB, else a walk of the
 * process's tables, an event per table; else a page request (PRI), which a CPU
 * serves as a fault of its own, and again. A translation that an invalidation
 * has overtaken on its way to the device is asked for once more.
 *
 * Waiting for the device is charged to ipi_wait, as all remote completion is.
 */
#include "coherence/iommu.h"
#include "os/page_fault.h"
#include "os/syscall.h"

struct dma_frame {
    struct sys_frame sys;
    struct iommu_request request; /* of the page in hand */
    struct iommu_entry answer;
    uint32_t reads_left;
    uint64_t n_dropped; /* invalidations, when the answer was read */
    uint64_t dma_end;
    struct fault_outcome outcome; /* of the page in hand */
};

enum {
    DMA_BEGIN,
    DMA_PAGE,
    DMA_LOOK_UP,
    DMA_WALK,
    DMA_ANSWER,
    DMA_FILL,
    DMA_FAULT,
    DMA_FAULTED,
    DMA_ACCESS,
    DMA_LEAVE,
};

static struct iommu *dma_iommu(const struct dma_frame *dma)
{
    return dma->sys.kernel->system->iommu;
}

static void dma_wait(struct cpu *cpu, uint64_t cycles)
{
    mmusim__cpu_busy(cpu, cycles, BUCKET_IPI_WAIT);
}

/* iommu_sva_bind_device() at the first access; then the command. */
static void dma_begin(struct cpu *cpu, struct dma_frame *dma)
{
    const struct iommu_config *config = &dma_iommu(dma)->config;
    struct sys_frame *sys = &dma->sys;
    uint64_t cycles = config->submit_cycles;

    if (!sys->mm->space.has_device)
        cycles += config->bind_cycles;
    sys->mm->space.has_device = true;
    dma->request.mm = &sys->mm->space;
    dma->request.is_write = sys->op.flags & SYS_PROT_WRITE;
    dma->request.vaddr = sys->op.vaddr;
    dma->dma_end = sys->op.vaddr + sys->op.length_bytes;
    mmusim__cpu_busy(cpu, cycles, BUCKET_KERNEL);
}

/* The entry was right when it was filled; is it now? */
static void dma_note_stale(const struct cpu *cpu, struct dma_frame *dma,
                           const struct iommu_entry *used)
{
    struct iommu_entry now;
    uint32_t n_reads;

    if (!mmusim__iommu_translate(cpu, &dma->request, &now, &n_reads) ||
        now.pfn.v != used->pfn.v)
        dma_iommu(dma)->counters.stale_hits++;
}

static void dma_page(struct cpu *cpu, struct dma_frame *dma)
{
    struct iommu *iommu = dma_iommu(dma);
    const struct iommu_entry *entry;

    if (dma->request.vaddr >= dma->dma_end) {
        dma->sys.step = DMA_LEAVE;
        return;
    }
    entry = mmusim__iommu_find_device(iommu, &dma->request);
    if (entry) {
        dma_note_stale(cpu, dma, entry);
        dma->sys.step = DMA_ACCESS;
        return;
    }
    dma->sys.step = DMA_LOOK_UP;
    dma_wait(cpu, iommu->config.ats_cycles / 2);
}

static void dma_look_up(struct dma_frame *dma)
{
    struct iommu *iommu = dma_iommu(dma);
    const struct iommu_entry *entry =
        mmusim__iommu_find_iotlb(iommu, &dma->request);

    dma->n_dropped = iommu->n_dropped;
    dma->reads_left = dma->sys.kernel->format->n_levels;
    dma->sys.step = entry ? DMA_ANSWER : DMA_WALK;
    if (entry)
        dma->answer = *entry;
}

/* Waits for the tables one by one; the last read says what is there. */
static void dma_walk(struct cpu *cpu, struct dma_frame *dma)
{
    struct iommu *iommu = dma_iommu(dma);
    uint32_t n_reads;

    if (dma->reads_left--) {
        iommu->counters.walk_reads++;
        dma_wait(cpu, iommu->config.walk_read_cycles);
        return;
    }
    dma->sys.step = DMA_ANSWER;
    if (mmusim__iommu_translate(cpu, &dma->request, &dma->answer, &n_reads) &&
        dma->n_dropped == iommu->n_dropped)
        mmusim__iommu_fill_iotlb(iommu, &dma->answer);
}

static void dma_answer(struct cpu *cpu, struct dma_frame *dma)
{
    const struct iommu_config *config = &dma_iommu(dma)->config;

    dma->sys.step = DMA_FILL;
    dma_wait(cpu, config->ats_cycles - config->ats_cycles / 2);
}

static void dma_fill(struct dma_frame *dma)
{
    struct iommu *iommu = dma_iommu(dma);

    if (!dma->answer.mm_id) {
        dma->sys.step = DMA_FAULT;
    } else if (dma->n_dropped == iommu->n_dropped) {
        dma->sys.step = DMA_ACCESS;
        mmusim__iommu_fill_device(iommu, &dma->answer);
    } else {
        dma->sys.step = DMA_PAGE; /* overtaken: once more */
    }
}

static void dma_fault(struct cpu *cpu, struct dma_frame *dma)
{
    struct iommu *iommu = dma_iommu(dma);

    dma->sys.step = DMA_FAULTED;
    iommu->counters.page_requests++;
    mmusim__page_fault(cpu, dma->sys.kernel, dma->request.vaddr,
                       dma->request.is_write ? ACCESS_STORE : ACCESS_LOAD,
                       &dma->outcome);
}

static void dma_faulted(struct cpu *cpu, struct dma_frame *dma)
{
    struct iommu *iommu = dma_iommu(dma);

    dma->sys.step = dma->outcome.is_failed ? DMA_LEAVE : DMA_PAGE;
    iommu->counters.failed += dma->outcome.is_failed;
    dma_wait(cpu, iommu->config.page_request_cycles);
}

static void dma_access(struct cpu *cpu, struct dma_frame *dma)
{
    struct iommu *iommu = dma_iommu(dma);

    dma->sys.step = DMA_PAGE;
    dma->outcome = (struct fault_outcome){0};
    iommu->counters.accesses++;
    dma->request.vaddr =
        align_down(dma->request.vaddr, BASE_PAGE_BYTES) + BASE_PAGE_BYTES;
    dma_wait(cpu, iommu->config.access_cycles);
}

static enum sys_body dma_body(struct cpu *cpu, struct sys_frame *sys)
{
    struct dma_frame *dma = (struct dma_frame *) sys;

    switch (sys->step) {
    case DMA_BEGIN:
        if (sys->mm == &sys->kernel->init_mm ||
            !mmusim__sys_range_is_sound(sys, sys->start, sys->end))
            return SYS_LEAVE;
        sys->step = DMA_PAGE;
        dma_begin(cpu, dma);
        return SYS_AGAIN;
    case DMA_PAGE:
        dma_page(cpu, dma);
        return SYS_AGAIN;
    case DMA_LOOK_UP:
        dma_look_up(dma);
        return SYS_AGAIN;
    case DMA_WALK:
        dma_walk(cpu, dma);
        return SYS_AGAIN;
    case DMA_ANSWER:
        dma_answer(cpu, dma);
        return SYS_AGAIN;
    case DMA_FILL:
        dma_fill(dma);
        return SYS_AGAIN;
    case DMA_FAULT:
        dma_fault(cpu, dma);
        return SYS_AGAIN;
    case DMA_FAULTED:
        dma_faulted(cpu, dma);
        return SYS_AGAIN;
    case DMA_ACCESS:
        dma_access(cpu, dma);
        return SYS_AGAIN;
    default:
        return SYS_LEAVE;
    }
}

const struct sys_call mmusim__sys_dma = {
    SYS_LOCK_NONE,
    dma_body,
    sizeof(struct dma_frame),
};
