/* SPDX-License-Identifier: MIT */
/* The rows of x86's table of invalidate instructions, by index. */
#ifndef MMUSIM_COHERENCE_X86_TABLE_H
#define MMUSIM_COHERENCE_X86_TABLE_H

#include "coherence/inval_instruction.h"

/* The first of each name; variants follow in the order of x86_select. */
enum x86_row {
    X86_ROW_INVLPG,
    X86_ROW_PAGE_FAULT,
    X86_ROW_MOV_CR3,
    X86_ROW_MOV_CR4 = X86_ROW_MOV_CR3 + 3,
    X86_ROW_MOV_CR0 = X86_ROW_MOV_CR4 + 3,
    X86_ROW_INVPCID = X86_ROW_MOV_CR0 + 2,
    X86_ROW_INVEPT = X86_ROW_INVPCID + 4,
    X86_ROW_INVVPID = X86_ROW_INVEPT + 2,
    X86_ROW_EPT_VIOLATION = X86_ROW_INVVPID + 4,
    X86_ROW_VMX_TRANSITION,
    X86_ROW_INVLPGA = X86_ROW_VMX_TRANSITION + 2,
    X86_ROW_VMRUN,
    X86_ROW_INVLPGB = X86_ROW_VMRUN + 4,
    X86_ROW_TLBSYNC,
    X86_ROW_RAR,
    X86_ROW_COUNT = X86_ROW_RAR + 17
};

/* How the registers are read. */
enum x86_operand {
    X86_OF_NOTHING,
    X86_OF_ADDRESS, /* [0] */
    X86_OF_CR3,
    X86_OF_PCID, /* INVPCID's descriptor */
    X86_OF_EPTP, /* INVEPT's */
    X86_OF_VPID, /* INVVPID's */
    X86_OF_EPT_VIOLATION,
    X86_OF_SVM_ADDRESS, /* INVLPGA */
    X86_OF_SVM_ASID,    /* [1] */
    X86_OF_BROADCAST,   /* INVLPGB */
    X86_OF_RAR,
};

enum x86_cr3_select { X86_CR3_PLAIN, X86_CR3_PCID, X86_CR3_PCID_KEPT };

/* RAR: type and subtype of the payload. */
static inline uint8_t x86_rar_select(uint32_t type, uint32_t subtype)
{
    return (uint8_t) (type << 3 | subtype);
}

extern const struct inval_instruction mmusim__x86_rows[X86_ROW_COUNT];

#endif
