/* SPDX-License-Identifier: MIT */
/*
 * Devices that use a process's addresses (shared virtual addressing): each has
 * a TLB of its own (PCIe ATS); what that misses it asks the IOMMU for, which
 * has an IOTLB and walks the process's page tables; a page that is not there is
 * asked of the kernel (PCIe PRI). Entries of all leave by descriptors in the
 * IOMMU's invalidation queue, one after the other.
 *
 * This module is the hardware's state; os/sys_dma.c is an access and its time,
 * notifier.c an invalidation and its time.
 *
 * Left out: an IOMMU's paging-structure caches, large pages as one entry (each
 * smallest page is one), Accessed and Dirty set by the IOMMU, second stages.
 *
 * Sources: PCI Express Base 6.0, 10 (ATS, PRI); Intel VT-d 4.1, 3.6, 6.5.
 */
#ifndef MMUSIM_COHERENCE_IOMMU_H
#define MMUSIM_COHERENCE_IOMMU_H

#include "coherence/address_space.h"
#include "mmusim/status.h"

struct arena;
struct cpu;

/* Keys iommu.*; times in cycles. */
struct iommu_config {
    uint32_t n_devices; /* 0: there is none */
    uint32_t device_entries, device_ways;
    uint32_t iotlb_entries, iotlb_ways;
    uint32_t submit_cycles;       /* the CPU tells the device */
    uint32_t bind_cycles;         /* the first access of an address space */
    uint32_t access_cycles;       /* a page's part of an access */
    uint32_t ats_cycles;          /* translation request, there and back */
    uint32_t walk_read_cycles;    /* each table that a walk reads */
    uint32_t page_request_cycles; /* PRI, without the fault's own work */
    uint32_t queue_cycles;        /* the CPU: descriptors, tail register */
    uint32_t iotlb_inval_cycles;  /* until the IOMMU has acted */
    uint32_t device_inval_cycles; /* until the device has answered */
};

#define IOMMU_COUNTER_MAP(X)                                                   \
    X(accesses, "pages", "that devices have read or written")                  \
    X(failed, "accesses", "to what no fault could repair")                     \
    X(device_hits, "look-ups", "that a device's own TLB answered")             \
    X(device_misses, "look-ups", "that it did not: translation requests")      \
    X(iotlb_hits, "requests", "that the IOMMU's TLB answered")                 \
    X(iotlb_misses, "requests", "that it did not: walks")                      \
    X(walk_reads, "tables", "that the IOMMU has read")                         \
    X(page_requests, "faults", "that devices have asked the kernel for")       \
    X(invalidations, "requests", "queued for flushes")                         \
    X(invalidated, "entries", "dropped by them, of all TLBs")                  \
    X(stale_hits, "look-ups",                                                  \
      "of device_hits: the page tables said something else by then")

struct iommu_counters {
#define IOMMU_COUNTER_FIELD(name, unit, help) uint64_t name;
    IOMMU_COUNTER_MAP(IOMMU_COUNTER_FIELD)
#undef IOMMU_COUNTER_FIELD
};

struct iommu_entry {
    uint64_t mm_id; /* 0: invalid */
    uint64_t vpage; /* of the smallest pages */
    uint64_t used;  /* when, for the least recently used */
    pfn_t pfn;
    bool can_write;
};

struct iommu_tlb {
    struct iommu_entry *entries;
    uint32_t n_sets, n_ways;
};

struct iommu {
    struct iommu_config config;
    struct iommu_counters counters;
    struct iommu_tlb iotlb;
    struct iommu_tlb *devices;
    uint64_t n_uses;
    uint64_t queue_free_cycle; /* the queue's earlier descriptors are done */
    uint64_t n_dropped;        /* invalidations that have acted */
};

/* NULL in *iommu if there is no device. Entries are divided by ways. */
mmusim_status_t mmusim__iommu_create(const struct iommu_config *config,
                                     struct arena *arena, struct iommu **iommu);

/* What is wrong with a configuration, in words, or NULL. */
const char *mmusim__iommu_refuses(const struct iommu_config *config);

/* Who asks for what. */
struct iommu_request {
    const struct address_space *mm;
    uint64_t vaddr;
    bool is_write;
};

/* The device's TLB, then the IOTLB: an entry that allows the access, else
 * NULL. Counts. */
const struct iommu_entry *
mmusim__iommu_find_device(struct iommu *iommu,
                          const struct iommu_request *request);
const struct iommu_entry *
mmusim__iommu_find_iotlb(struct iommu *iommu,
                         const struct iommu_request *request);

/* What the tables say now; false: not there, or not allowed. n_reads: tables
 * read. entry->mm_id is 0 unless found. cpu: whose tables' memory. */
bool mmusim__iommu_translate(const struct cpu *cpu,
                             const struct iommu_request *request,
                             struct iommu_entry *entry, uint32_t *n_reads);
void mmusim__iommu_fill_device(struct iommu *iommu,
                               const struct iommu_entry *entry);
void mmusim__iommu_fill_iotlb(struct iommu *iommu,
                              const struct iommu_entry *entry);

/* Drops the entries of [start, end) of an address space everywhere. */
void mmusim__iommu_drop(struct iommu *iommu, uint64_t mm_id, uint64_t start,
                        uint64_t end);

#endif
