/* SPDX-License-Identifier: MIT */
/* Flushes by CR3 alone: see i386_cr3.h. The mask, the lazy states and the
 * switch are those of 4.6 (linux_x86_classic.c); a kernel range goes the way of
 * flush_tlb_all, since without CR4.PGE there are no globals to spare. */
#include "coherence/i386_cr3.h"

#include "coherence/ipi.h"
#include "coherence/linux_x86_classic.h"
#include "coherence/mm_rules.h"
#include "coherence/protocol_steps.h"

static void cr3_flush_mm_range(struct cpu *cpu, struct address_space *mm,
                               const struct flush_span *span)
{
    (void) span;
    mmusim__linux_4_6_flush_tlb_mm(cpu, mm);
}

static void cr3_flush_page(struct cpu *cpu, struct address_space *mm,
                           uint64_t vaddr, uint32_t order)
{
    (void) vaddr;
    (void) order;
    mmusim__linux_4_6_flush_tlb_mm(cpu, mm);
}

static void cr3_flush_kernel_range(struct cpu *cpu, uint64_t start,
                                   uint64_t end)
{
    (void) start;
    (void) end;
    mmusim__protocol_linux_4_6.flush_all(cpu);
}

static void cr3_flush_all(struct cpu *cpu)
{
    mmusim__protocol_linux_4_6.flush_all(cpu);
}

static uint32_t cr3_switch_mm(struct cpu *cpu, struct address_space *next)
{
    return mmusim__protocol_linux_4_6.switch_mm(cpu, next);
}

#define CR3_OPS                                                                \
    .isas = ISAS_X86, .ceiling_rule = CEILING_ALWAYS,                          \
    .flush_mm_range = cr3_flush_mm_range, .flush_page = cr3_flush_page,        \
    .flush_kernel_range = cr3_flush_kernel_range, .flush_all = cr3_flush_all,  \
    .switch_mm = cr3_switch_mm, .enter_lazy = mmusim__protocol_enter_lazy

const struct protocol_ops mmusim__protocol_i386_cr3 = {
    .name = "i386-cr3",
    .help = "no INVLPG: every flush reloads CR3",
    .mm_rules = &mmusim__mm_rules_4_6,
    .bugs = LINUX_4_6_BUGS,
    CR3_OPS,
};

const struct protocol_ops mmusim__protocol_i386_cr3_fixed = {
    .name = "i386-cr3-fixed",
    .help = "i386-cr3 with the repairs of later versions",
    .mm_rules = &mmusim__mm_rules_4_6_fixed,
    .is_fixed = true,
    CR3_OPS,
};
