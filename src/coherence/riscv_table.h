/* SPDX-License-Identifier: MIT */
/* How the rows of RISC-V's table read their operands. */
#ifndef MMUSIM_COHERENCE_RISCV_TABLE_H
#define MMUSIM_COHERENCE_RISCV_TABLE_H

#include "coherence/inval_instruction.h"

enum riscv_operand {
    RISCV_OF_NOTHING,
    RISCV_OF_VIRTUAL, /* rs1: virtual address, rs2: ASID */
    RISCV_OF_GUEST,   /* likewise of the guest of hgatp.VMID */
    RISCV_OF_GPA,     /* rs1: guest-physical address >> 2, rs2: VMID */
    RISCV_OF_SBI,     /* the hart list alone */
    RISCV_OF_SBI_RANGE,
};

/* row->select of the four forms of a fence. */
enum { RISCV_HAS_RS2 = 1 << 0, RISCV_HAS_RS1 = 1 << 1 };

enum { RISCV_ROW_COUNT = 33 };

extern const struct inval_instruction mmusim__riscv_rows[RISCV_ROW_COUNT];

#endif
