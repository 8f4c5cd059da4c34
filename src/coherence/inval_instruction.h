/* SPDX-License-Identifier: MIT */
/*
 * Every instruction (or event) that invalidates translations, as a row of a
 * table, one table per architecture: x86_table.c, arm_table.c, riscv_table.c.
 * A row says what matches, what else goes, who acts, and when it is complete;
 * mmusim__inval_decode() turns (row, operand registers, state of the issuer)
 * into invalidate requests, or into a fault with its reason.
 *
 * What a manual permits but does not require is not done: a hint that is
 * wrong invalidates nothing, leaf-only forms keep table pointers.
 *
 * Left out: EL3 and secure regimes; Armv7 I and D forms act on both, as on a
 * unified TLB, which is allowed. docs/invalidate-instructions.md is generated
 * from the tables.
 */
#ifndef MMUSIM_COHERENCE_INVAL_INSTRUCTION_H
#define MMUSIM_COHERENCE_INVAL_INSTRUCTION_H

#include "coherence/inval_reach.h"
#include "tlb/inval.h"
#include "tlb/miss_cause.h"

struct mmu;

enum inval_isa {
    INVAL_X86,
    INVAL_ARMV8,
    INVAL_ARMV7,
    INVAL_RISCV,
    INVAL_ISA_COUNT
};

/* ---- the row ---- */

enum inval_pages { EVERY_PAGE, ONE_PAGE, PAGE_RANGE };

enum inval_whose { WHOSE_ANY, WHOSE_CURRENT, WHOSE_OPERAND };

enum inval_globals { KEEPS_GLOBALS, DROPS_GLOBALS };

/* What the issuer must see before everybody has acted. */
enum inval_completion {
    COMPLETE_AT_ONCE,     /* with the instruction: x86, local */
    COMPLETE_AT_DSB,      /* Arm; arm_ops.h says which DSB */
    COMPLETE_AT_TLBSYNC,  /* AMD INVLPGB */
    COMPLETE_AT_INVAL_IR, /* RISC-V SINVAL.VMA: SFENCE.INVAL.IR */
    COMPLETE_AT_RETURN,   /* of the SBI call */
    COMPLETE_AT_ACTION,   /* Intel RAR: the action bytes say success */
};

struct inval_instruction {
    const char *name;    /* "INVLPG", "VAE1IS" (Arm: without TLBI) */
    const char *variant; /* "type 0", "rs1 = x0"; NULL: the only one */
    const char *source;  /* manual and section */
    const char *note;    /* NULL: the columns say it all */
    enum inval_isa isa;
    uint8_t select;  /* which variant: the architecture's own numbers */
    uint8_t operand; /* how registers are read: likewise */
    uint8_t regimes; /* as in struct inval; 0: the issuer's own */
    enum inval_pages pages;
    enum inval_whose asid; /* PCID, ASID */
    enum inval_whose vmid; /* VPID, SVM's ASID, VMID */
    enum inval_globals globals;
    enum inval_psc psc;
    enum broadcast_reach reach;
    enum inval_completion completion;
    uint32_t needs; /* features: x86_*, arm_*, riscv_* below, or-ed */
    bool is_nxs;    /* Arm: does not wait for XS accesses */
    bool is_event;  /* not an instruction: no privilege is needed */
    bool has_no_effect_on_tlb; /* a barrier, or nothing to drop */
};

/* ---- the issuer ---- */

enum x86_feature {
    X86_INVLPG = 1 << 0, /* the 486 and later */
    X86_PGE = 1 << 1,    /* global pages: P6 and later */
    X86_PCID = 1 << 2,
    X86_INVPCID = 1 << 3,
    X86_INVLPGB = 1 << 4, /* and TLBSYNC */
    X86_TCE = 1 << 5,
    X86_VMX_EPT = 1 << 6,  /* INVEPT */
    X86_VMX_VPID = 1 << 7, /* INVVPID */
    X86_SVM = 1 << 8,      /* INVLPGA */
    X86_RAR = 1 << 9,
};

#define X86_CR0_PG  (UINT64_C(1) << 31)
#define X86_CR4_PAE (UINT64_C(1) << 5)
#define X86_CR4_PGE (UINT64_C(1) << 7)
/* LA57 cannot change while paging is on. */
#define X86_CR4_PCIDE   (UINT64_C(1) << 17)
#define X86_CR4_SMEP    (UINT64_C(1) << 20)
#define X86_EFER_TCE    (UINT64_C(1) << 15)
#define X86_CR3_NOFLUSH (UINT64_C(1) << 63)

struct x86_issuer {
    uint32_t features;      /* enum x86_feature */
    uint8_t cpl;            /* 0: kernel */
    uint8_t vaddr_bits;     /* 48, 57; 32 outside 64-bit mode */
    bool is_guest;          /* VMX non-root, or an SVM guest */
    bool has_vpid;          /* "enable VPID" is set */
    bool may_invlpgb;       /* guest: the VMCB enables INVLPGB and TLBSYNC */
    uint64_t cr0, cr3, cr4; /* before the instruction */
    uint64_t efer;
    uint16_t invlpgb_count_max; /* CPUID Fn8000_0008 EDX[15:0] */
    uint32_t n_svm_asids;       /* CPUID Fn8000_000A EBX */
};

enum arm_feature {
    ARM_EL2 = 1 << 0,   /* EL2; Armv7: virtualization extensions */
    ARM_RANGE = 1 << 1, /* FEAT_TLBIRANGE */
    ARM_OS = 1 << 2,    /* FEAT_TLBIOS: outer shareable forms */
    ARM_XS = 1 << 3,    /* FEAT_XS: nXS forms */
    ARM_TTL = 1 << 4,   /* FEAT_TTL: level hints */
    ARM_MP = 1 << 5,    /* Armv7: multiprocessing extensions */
};

struct arm_issuer {
    uint32_t features;        /* enum arm_feature */
    uint8_t el;               /* 0, 1, 2; Armv7: PL0, PL1, PL2 (Hyp) */
    bool is_e2h, is_tge;      /* HCR_EL2 */
    bool is_broadcast_forced; /* HCR_EL2.FB: EL1's local forms become IS */
    bool is_trapped;          /* HCR_EL2.TTLB */
    bool cannot_broadcast;    /* IS forms act here only (Armv7 without SCU
                                 broadcast) */
    uint8_t asid_bits;        /* 8 or 16: ID_AA64MMFR0 and TCR.AS */
    /* 4 KiB-page order of the granule in use: 0, 2 or 4. By VA bit 55. */
    uint8_t granule_order[2];
    uint8_t stage2_granule_order;
    bool has_ds; /* TCR.DS: 52-bit addresses at 4K and 16K granules; BADDR of
                    ranges in units of 64 KiB */
};

enum riscv_feature {
    RISCV_SVINVAL = 1 << 0,
    RISCV_H = 1 << 1, /* the hypervisor extension */
};

enum riscv_mode { RISCV_U, RISCV_S, RISCV_M, RISCV_VU, RISCV_VS };

struct riscv_issuer {
    uint32_t features;    /* enum riscv_feature */
    enum riscv_mode mode; /* S: also HS */
    bool is_trapped;      /* mstatus.TVM in S, hstatus.VTVM in VS */
    uint8_t vaddr_bits;   /* 32, 39, 48, 57 */
    uint8_t asid_bits;    /* implemented; the others are ignored */
    uint8_t vmid_bits;
    uint16_t hgatp_vmid; /* for HFENCE.VVMA; in VS the context's VMID */
};

struct inval_issuer {
    /* Loaded: regime, ASID, VMID, stage 2. On Arm the VMID of VTTBR_EL2 even
     * while EL2 runs; on x86 the nested tables are EPTP[51:12], in place; on
     * RISC-V with guests, HS-mode's own regime is REGIME_EL2. */
    struct tlb_context context;
    union {
        struct x86_issuer x86;
        struct arm_issuer arm; /* v8 and v7 */
        struct riscv_issuer riscv;
    };
};

/* Registers as the instruction has them:
 *   INVLPG, #PF          [0] linear address
 *   MOV CR0, CR3, CR4    [0] new value
 *   VMRUN                [0] TLB_CONTROL of the VMCB, [1] the guest's ASID
 *   EPT violation        [0] guest-physical, [1] linear address if is_x0[1] is
 *                        false
 *   INVPCID              [0] type, [1] [2] descriptor words 0 and 1
 *   INVEPT, INVVPID      likewise
 *   INVLPGA              [0] rAX address, [1] ECX asid
 *   INVLPGB              [0] rAX, [1] ECX, [2] EDX
 *   RAR                  [0] [1] [2] [3] the payload's first four words
 *   TLBI, Armv7 TLBI*    [0] Xt or Rt; forms without operand: ignored
 *   SFENCE, SINVAL, ...  [0] rs1, [1] rs2; is_x0 says that x0 is named
 *   SBI remote fences    [0] hart_mask, [1] hart_mask_base, [2] start,
 *                        [3] size, [4] asid or vmid */
enum { INVAL_MAX_REGISTERS = 5 };

struct inval_operands {
    uint64_t reg[INVAL_MAX_REGISTERS];
    bool is_x0[2]; /* RISC-V: rs1, rs2 is x0; never the value 0 */
};

/* ---- the request ---- */

enum inval_outcome {
    INVAL_LEGAL,     /* perhaps without effect: n_invals is 0 */
    INVAL_UNDEFINED, /* #UD, UNDEFINED, illegal instruction */
    INVAL_PROTECTED, /* #GP(0) */
    INVAL_REJECTED,  /* INVEPT, INVVPID: VMfail; RAR: action byte 0x80;
                        SBI: an error is returned */
    INVAL_TRAPPED,   /* to the hypervisor: VM exit, trap to EL2, virtual
                        instruction; or to M-mode (TVM: illegal) */
};

/* HFENCE.GVMA drops guest-physical translations of some pages and all that
 * were combined with them; nested INVLPGB likewise. */
enum { INVAL_MAX_PARTS = 2 };

struct inval_request {
    const struct inval_instruction *row; /* the variant that was meant */
    struct inval invals[INVAL_MAX_PARTS];
    uint32_t n_invals;
    enum broadcast_reach reach;
    enum inval_completion completion;
    bool is_nxs;
    /* SBI: these harts only, bit i is hart hart_mask_base + i. */
    bool has_harts;
    uint64_t hart_mask, hart_mask_base;
    /* RAR: of the target's current PCID, and only where its CR3 is cr3. */
    bool is_of_target_asid;
    bool has_cr3;
    uint64_t cr3;
    /* Why it faults or does nothing; a constant, NULL if it does something. */
    const char *why;
};

/* The index-th row of an architecture, NULL past the end. Variants of one name
 * are neighbours. */
const struct inval_instruction *mmusim__inval_row_at(enum inval_isa isa,
                                                     size_t index);

/* The first variant of a name (letters of either case), NULL if there is none;
 * decode finds the variant that the operands mean. */
const struct inval_instruction *mmusim__inval_find(enum inval_isa isa,
                                                   const char *name);

/* What the instruction does. *request is written in any case; with another
 * result than INVAL_LEGAL it has no invals, and why is the reason. */
enum inval_outcome mmusim__inval_decode(const struct inval_instruction *row,
                                        const struct inval_operands *operands,
                                        const struct inval_issuer *issuer,
                                        struct inval_request *request);

/* Applies every part to one CPU's structures, at once; returns the number of
 * TLB entries removed. */
uint32_t mmusim__inval_apply(struct mmu *mmu,
                             const struct inval_request *request,
                             enum miss_cause cause);

#endif
