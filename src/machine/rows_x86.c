/* SPDX-License-Identifier: MIT */
/* Keys of what x86 kernels know and use: x86.*, os.*. */
#include "machine/machine_rows.h"

#include "machine/row_macros.h"

/* clang-format off */
const struct field_row mmusim__rows_x86[] = {
    BOOL("x86.pcid", has_pcid, "true", "the machine has PCIDs",
         "guess for a generic part; CPUID.01H:ECX[17] tells"),
    BOOL("os.pcid", os.has_pcid, "true",
         "a kernel that can use PCIDs does; false: nopcid",
         "Linux arch/x86/kernel/cpu/common.c, setup_pcid"),
    U32("os.hz", os.hz, "1/s", 1, 100000, "250",
        "the kernel's timer: jiffies per second", "Linux kernel/Kconfig.hz"),
    U32("os.global_asid_samples_log2", os.global_asid_samples_log2, "bits", 0,
        16, "5",
        "a task's flushes may earn its process a global ASID in one of 2^this "
        "jiffies; 0: always",
        "Linux 7.1 arch/x86/mm/tlb.c, consider_global_asid"),
};
/* clang-format on */

const size_t mmusim__rows_x86_n =
    sizeof(mmusim__rows_x86) / sizeof(mmusim__rows_x86[0]);
