/* SPDX-License-Identifier: MIT */
/* How the rows of Arm's tables read their operands. */
#ifndef MMUSIM_COHERENCE_ARM_TABLE_H
#define MMUSIM_COHERENCE_ARM_TABLE_H

#include "coherence/inval_instruction.h"

enum arm_operand {
    ARM_OF_NOTHING,
    ARM_OF_ASID,      /* Xt: ASID[63:48] */
    ARM_OF_VA,        /* Xt: ASID[63:48], TTL[47:44], VA[55:12] */
    ARM_OF_IPA,       /* Xt: TTL[47:44], IPA[51:12] in 39:0 */
    ARM_OF_VA_RANGE,  /* Xt: ASID, TG, SCALE, NUM, TTL, BADDR */
    ARM_OF_IPA_RANGE, /* likewise without ASID */
    ARMV7_OF_ASID,    /* Rt: ASID[7:0] */
    ARMV7_OF_MVA,     /* Rt: MVA[31:12], ASID[7:0] */
};

enum { ARMV8_ROW_COUNT = 21 * 6, ARMV7_ROW_COUNT = 20 };

extern const struct inval_instruction mmusim__armv8_rows[ARMV8_ROW_COUNT];
extern const struct inval_instruction mmusim__armv7_rows[ARMV7_ROW_COUNT];

#endif
