/* SPDX-License-Identifier: MIT */
/* An IOMMU and its devices: see iommu.h. */
#include "coherence/iommu.h"

#include "coherence/cpu.h"
#include "core/arena.h"
#include "tlb/pt_format.h"

/* ---- TLBs ---- */

static mmusim_status_t iommu_tlb_init(struct iommu_tlb *tlb, uint32_t n_entries,
                                      uint32_t n_ways, struct arena *arena)
{
    tlb->n_ways = n_ways;
    tlb->n_sets = n_entries / n_ways;
    tlb->entries = mmusim__arena_alloc(arena, n_entries, sizeof(*tlb->entries));
    return tlb->entries ? MMUSIM_OK : MMUSIM_NOMEM;
}

static struct iommu_entry *iommu_set(const struct iommu_tlb *tlb,
                                     uint64_t vpage)
{
    uint32_t set = (uint32_t) vpage & (tlb->n_sets - 1);

    return &tlb->entries[(size_t) set * tlb->n_ways];
}

static struct iommu_entry *iommu_tlb_find(struct iommu *iommu,
                                          const struct iommu_tlb *tlb,
                                          const struct iommu_request *request)
{
    uint64_t vpage = request->vaddr >> BASE_PAGE_SHIFT;
    struct iommu_entry *set = iommu_set(tlb, vpage);

    for (uint32_t way = 0; way < tlb->n_ways; way++) {
        struct iommu_entry *entry = &set[way];

        if (entry->mm_id == request->mm->id && entry->vpage == vpage &&
            (entry->can_write || !request->is_write)) {
            entry->used = ++iommu->n_uses;
            return entry;
        }
    }
    return NULL;
}

/* In place of an older entry of the page, else of the one used longest ago. */
static void iommu_tlb_fill(struct iommu *iommu, const struct iommu_tlb *tlb,
                           const struct iommu_entry *entry)
{
    struct iommu_entry *set = iommu_set(tlb, entry->vpage);
    struct iommu_entry *victim = &set[0];

    for (uint32_t way = 0; way < tlb->n_ways; way++) {
        struct iommu_entry *at = &set[way];

        if (at->mm_id == entry->mm_id && at->vpage == entry->vpage) {
            victim = at;
            break;
        }
        if (!at->mm_id || (victim->mm_id && at->used < victim->used))
            victim = at;
    }
    *victim = *entry;
    victim->used = ++iommu->n_uses;
}

/* ---- the whole ---- */

static bool iommu_is_power_of_two(uint32_t value)
{
    return value && !(value & (value - 1));
}

const char *mmusim__iommu_refuses(const struct iommu_config *config)
{
    if (!config->n_devices)
        return NULL;
    if (config->device_entries % config->device_ways ||
        !iommu_is_power_of_two(config->device_entries / config->device_ways))
        return "iommu.device_entries must be iommu.device_ways times a power "
               "of two";
    if (config->iotlb_entries % config->iotlb_ways ||
        !iommu_is_power_of_two(config->iotlb_entries / config->iotlb_ways))
        return "iommu.iotlb_entries must be iommu.iotlb_ways times a power of "
               "two";
    return NULL;
}

mmusim_status_t mmusim__iommu_create(const struct iommu_config *config,
                                     struct arena *arena, struct iommu **iommu)
{
    struct iommu *made;
    mmusim_status_t status;

    *iommu = NULL;
    if (!config->n_devices)
        return MMUSIM_OK;
    made = mmusim__arena_alloc(arena, 1, sizeof(*made));
    if (!made)
        return MMUSIM_NOMEM;
    made->config = *config;
    made->devices =
        mmusim__arena_alloc(arena, config->n_devices, sizeof(*made->devices));
    if (!made->devices)
        return MMUSIM_NOMEM;
    status = iommu_tlb_init(&made->iotlb, config->iotlb_entries,
                            config->iotlb_ways, arena);
    for (uint32_t i = 0; !status && i < config->n_devices; i++)
        status = iommu_tlb_init(&made->devices[i], config->device_entries,
                                config->device_ways, arena);
    if (!status)
        *iommu = made;
    return status;
}

/* An address space is bound to one device. */
static const struct iommu_tlb *iommu_device_of(const struct iommu *iommu,
                                               uint64_t mm_id)
{
    return &iommu->devices[mm_id % iommu->config.n_devices];
}

const struct iommu_entry *
mmusim__iommu_find_device(struct iommu *iommu,
                          const struct iommu_request *request)
{
    const struct iommu_entry *entry =
        iommu_tlb_find(iommu, iommu_device_of(iommu, request->mm->id), request);

    iommu->counters.device_hits += entry != NULL;
    iommu->counters.device_misses += entry == NULL;
    return entry;
}

const struct iommu_entry *
mmusim__iommu_find_iotlb(struct iommu *iommu,
                         const struct iommu_request *request)
{
    const struct iommu_entry *entry =
        iommu_tlb_find(iommu, &iommu->iotlb, request);

    iommu->counters.iotlb_hits += entry != NULL;
    iommu->counters.iotlb_misses += entry == NULL;
    return entry;
}

void mmusim__iommu_fill_device(struct iommu *iommu,
                               const struct iommu_entry *entry)
{
    iommu_tlb_fill(iommu, iommu_device_of(iommu, entry->mm_id), entry);
}

void mmusim__iommu_fill_iotlb(struct iommu *iommu,
                              const struct iommu_entry *entry)
{
    iommu_tlb_fill(iommu, &iommu->iotlb, entry);
}

/* ---- walks ---- */

static struct pt_info *iommu_next_table(const struct cpu *cpu,
                                        const struct pt_entry *entry)
{
    return mmusim__pt_table_at(cpu->mmu.shared->tables, entry->table);
}

bool mmusim__iommu_translate(const struct cpu *cpu,
                             const struct iommu_request *request,
                             struct iommu_entry *entry, uint32_t *n_reads)
{
    const struct pt_format *format = cpu->mmu.shared->format;
    struct pt_info *table =
        mmusim__pt_table(cpu->mmu.shared->tables, request->mm->root);
    uint32_t rights = TLB_READ | TLB_WRITE | TLB_USER;

    *entry = (struct iommu_entry){.vpage = request->vaddr >> BASE_PAGE_SHIFT};
    for (*n_reads = 0; table;) {
        uint32_t shift = format->levels[table->level].shift;
        uint32_t index =
            (uint32_t) (request->vaddr >> shift) & (table->n_words - 1);
        struct pt_entry at =
            format->decode(format, pt_word(table, index), table->level);
        uint64_t page_mask = (UINT64_C(1) << (shift - BASE_PAGE_SHIFT)) - 1;

        ++*n_reads;
        if (!at.is_present || at.is_reserved)
            return false;
        if (!at.is_leaf) {
            table = iommu_next_table(cpu, &at);
            continue;
        }
        rights &= pt_leaf_rights(format, PT_ALL_RIGHTS, at.rights);
        entry->pfn.v = at.pfn.v + (entry->vpage & page_mask);
        entry->can_write = rights & TLB_WRITE;
        if (!(rights & TLB_USER) || (request->is_write && !entry->can_write))
            return false;
        entry->mm_id = request->mm->id;
        return true;
    }
    return false;
}

/* ---- invalidations ---- */

static void iommu_tlb_drop(struct iommu *iommu, const struct iommu_tlb *tlb,
                           uint64_t mm_id, uint64_t start, uint64_t end)
{
    uint32_t n = tlb->n_sets * tlb->n_ways;

    for (uint32_t i = 0; i < n; i++) {
        struct iommu_entry *entry = &tlb->entries[i];
        uint64_t vaddr = entry->vpage << BASE_PAGE_SHIFT;

        if (entry->mm_id != mm_id || vaddr + BASE_PAGE_BYTES <= start ||
            vaddr >= end)
            continue;
        entry->mm_id = 0;
        iommu->counters.invalidated++;
    }
}

void mmusim__iommu_drop(struct iommu *iommu, uint64_t mm_id, uint64_t start,
                        uint64_t end)
{
    iommu->n_dropped++;
    iommu_tlb_drop(iommu, &iommu->iotlb, mm_id, start, end);
    iommu_tlb_drop(iommu, iommu_device_of(iommu, mm_id), mm_id, start, end);
}
