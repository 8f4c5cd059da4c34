/* SPDX-License-Identifier: MIT */
/*
 * Whose translation an entry is: translation regime, VM, address space, and,
 * in arrays that hardware threads share, the thread. A key has room for a tag
 * of 16 bits only; this table gives each context in use a tag.
 *
 * A native machine without shared arrays needs no table (NULL): its tag is the
 * ASID itself, and global entries have tag 0. With a table, a global entry has
 * the tag of its context without an ASID: G makes it usable under any ASID
 * (PCID), but only of the same VM and regime (Arm ARM D8.16: nG within one
 * VMID; SDM vol. 3C 28.3: global only within one VPID).
 *
 * Tags are interned when a context is loaded or an invalidation names it, never
 * per access. They are names: no result depends on their values.
 */
#ifndef MMUSIM_TLB_TLB_CONTEXT_H
#define MMUSIM_TLB_TLB_CONTEXT_H

#include "core/types.h"

/* Which tables a translation came from. */
enum tlb_regime {
    REGIME_EL1,    /* virtual addresses of an OS and its users: Arm EL1&0, x86
                      linear addresses, RISC-V (V)S and (V)U */
    REGIME_EL2,    /* a hypervisor's own (Arm EL2, EL2&0 with VHE) */
    REGIME_STAGE2, /* guest-physical addresses: Arm stage 2, x86 EPT and NPT
                      guest-physical mappings, RISC-V G-stage */
    REGIME_COUNT
};

struct tlb_context {
    enum tlb_regime regime;
    uint8_t thread; /* in arrays that threads share; 0: no thread's own */
    bool has_asid;  /* false: the context of global entries, or of a regime
                       that has no ASIDs */
    uint16_t asid;
    uint16_t vmid;        /* VMID, VPID; 0 on x86: the host */
    uint64_t stage2_root; /* x86: EP4TA of the nested tables; else 0 */
};

/* Tag of the address space's own entries in bits 15:0, of the global entries it
 * may use in bits 31:16. On a native machine: the ASID. */
typedef uint32_t tlb_tags_t;

static inline tlb_tags_t tlb_tags(uint16_t own, uint16_t of_globals)
{
    return (tlb_tags_t) own | (tlb_tags_t) of_globals << 16;
}

struct tlb_contexts;

/* NULL: out of memory. */
struct tlb_contexts *mmusim__tlb_contexts_create(void);
void mmusim__tlb_contexts_destroy(struct tlb_contexts *contexts);

enum { TLB_MAX_CONTEXTS = 1 << 16 };

/* The tag of a context, a new one if it has none. False: out of memory, or
 * TLB_MAX_CONTEXTS are in use; *tag is untouched. */
bool mmusim__tlb_context_intern(struct tlb_contexts *contexts,
                                const struct tlb_context *context,
                                uint16_t *tag);

/* False: nothing was ever cached for that context. */
bool mmusim__tlb_context_find(const struct tlb_contexts *contexts,
                              const struct tlb_context *context, uint16_t *tag);

/* The context behind a tag that intern() has given. */
const struct tlb_context *
mmusim__tlb_context_at(const struct tlb_contexts *contexts, uint16_t tag);

uint32_t mmusim__tlb_context_count(const struct tlb_contexts *contexts);

#endif
