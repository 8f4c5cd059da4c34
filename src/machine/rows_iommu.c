/* SPDX-License-Identifier: MIT */
/*
 * The keys iommu.*: devices that share processes' page tables. No published
 * measurement of a whole ATS or PRI exchange is known. All times are guesses;
 * some are from memory of Neugebauer et al., "Understanding PCIe performance
 * for end host networking", SIGCOMM 2018 (a message over PCIe, a walk), and
 * Malka et al., "rIOMMU", ASPLOS 2015 (an invalidation), not looked up; at 3
 * GHz.
 */
#include "machine/machine_rows.h"
#include "machine/row_macros.h"

/* clang-format off */
const struct field_row mmusim__rows_iommu[] = {
    U32("iommu.devices", iommu.n_devices, "devices", 0, 64, "0",
        "devices that use processes' addresses (ATS, PRI); a process has one of them",
        "a choice, not a measurement"),
    U32("iommu.device_entries", iommu.device_entries, "entries", 1, 65536, "64",
        "entries of a device's own TLB", "guess"),
    U32("iommu.device_ways", iommu.device_ways, "ways", 1, 4096, "4",
        "associativity of a device's own TLB", "guess"),
    U32("iommu.iotlb_entries", iommu.iotlb_entries, "entries", 1, 65536, "64",
        "entries of the IOMMU's TLB", "guess, from memory of SIGCOMM 2018: latency rises beyond 64 pages"),
    U32("iommu.iotlb_ways", iommu.iotlb_ways, "ways", 1, 4096, "4",
        "associativity of the IOMMU's TLB", "guess"),
    CYCLES("iommu.submit_cycles", iommu.submit_cycles, "600",
           "a CPU gives a device a command", "guess, one uncached write (ENQCMD)"),
    CYCLES("iommu.bind_cycles", iommu.bind_cycles, "6000",
           "an address space is bound to a device at its first command", "guess"),
    CYCLES("iommu.access_cycles", iommu.access_cycles, "1500",
           "a device's access to a page, its translation at hand",
           "guess, from memory of SIGCOMM 2018: about 500 ns for a read over PCIe"),
    CYCLES("iommu.ats_cycles", iommu.ats_cycles, "1500",
           "a translation request to the IOMMU and its answer",
           "guess, as a read over PCIe"),
    CYCLES("iommu.walk_read_cycles", iommu.walk_read_cycles, "250",
           "each page table that the IOMMU reads",
           "guess, a fourth of the 330 ns a missed translation adds, from memory of SIGCOMM 2018"),
    CYCLES("iommu.page_request_cycles", iommu.page_request_cycles, "9000",
           "a page request to the kernel and its response, without the fault",
           "guess, two reads over PCIe, an interrupt and a thread's wake-up"),
    CYCLES("iommu.queue_cycles", iommu.queue_cycles, "300",
           "a CPU queues an invalidation and writes the tail register",
           "guess, one uncached write"),
    CYCLES("iommu.iotlb_inval_cycles", iommu.iotlb_inval_cycles, "2100",
           "until the IOMMU has acted on an invalidation",
           "guess, from memory of ASPLOS 2015: some 2,100 cycles an invalidation"),
    CYCLES("iommu.device_inval_cycles", iommu.device_inval_cycles, "1500",
           "until the device has answered an invalidation",
           "guess, as a read over PCIe"),
};
/* clang-format on */

const size_t mmusim__rows_iommu_n =
    sizeof(mmusim__rows_iommu) / sizeof(mmusim__rows_iommu[0]);
