/* SPDX-License-Identifier: MIT */
/*
 * The keys of a machine that runs as one guest: virt.* (but for interrupts,
 * rows_fabric.c), nested_tlb.*, nested_psc.*.
 */
#include "machine/machine_rows.h"
#include "machine/row_macros.h"

static const char *const rows_stage2[] = {
#define ROWS_STAGE2_WORD(name, word) word,
    CONFIG_STAGE2_MAP(ROWS_STAGE2_WORD)
#undef ROWS_STAGE2_WORD
        NULL};
static const char *const rows_blocks[] = {
#define ROWS_BLOCK_WORD(name, word, order) word,
    CONFIG_BLOCK_MAP(ROWS_BLOCK_WORD)
#undef ROWS_BLOCK_WORD
        NULL};

/* clang-format off */
const struct field_row mmusim__rows_guest[] = {
    BOOL("virt.enabled", guest.is_enabled, "false",
         "the whole machine runs as one guest, under nested paging",
         "a choice, not a measurement"),
    WORD("virt.format", guest.format, rows_stage2, "usual",
         "tables of the second stage; usual: ept on x86-64",
         "a choice, not a measurement"),
    U32("virt.levels", guest.nested.n_levels, "levels", 0, 5, "0",
        "levels of the second stage's tables; 0: as usual",
        "a choice, not a measurement"),
    WORD("virt.page_size", guest.block, rows_blocks, "4K",
         "of the blocks that back the guest's memory",
         "a choice, not a measurement"),
    BOOL("virt.populate", guest.nested.is_populated, "false",
         "all guest memory is backed from the start, not at first touch",
         "a choice, not a measurement"),
    CYCLES("virt.exit_cycles", guest.exit_cycles, "1300",
           "leaving and entering the guest at a fault of the second stage",
           "guess, kvm-unit-tests print 1200 to 1500 for a plain exit"),
    CYCLES("virt.fault_cycles", guest.fault_cycles, "2500",
           "backing a block of guest memory",
           "guess, somewhat more than the kernel's own minor fault"),
    U32("nested_tlb.entries", guest.nested.tlb.n_entries, "entries", 0, 4096,
        "64", "entries of the TLB of guest-physical addresses; 0: none",
        "guess; Arm's IPA caches are of that order"),
    WAYS("nested_tlb.ways", guest.nested.tlb.n_ways, "4",
         "associativity of that TLB", "guess"),
    CYCLES("nested_tlb.hit_cycles", guest.nested.tlb.hit_cycles, "2",
           "translating a guest-physical address there", "guess"),
    U32("nested_psc.entries", guest.nested.pointers.n_entries, "entries", 0,
        4096, "32", "pointers to tables of the second stage; 0: none",
        "guess; that there are some: Intel SDM vol. 3C 28.3.1"),
    WAYS("nested_psc.ways", guest.nested.pointers.n_ways, "full",
         "associativity of that cache", "guess"),
    CYCLES("nested_psc.hit_cycles", guest.nested.pointers.hit_cycles, "1",
           "look-up time when it starts a walk of the second stage", "guess"),
};
/* clang-format on */

const size_t mmusim__rows_guest_n =
    sizeof(mmusim__rows_guest) / sizeof(mmusim__rows_guest[0]);
