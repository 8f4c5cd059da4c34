/* SPDX-License-Identifier: MIT */
/* Arithmetic of litmus instructions. Arm ARM DDI 0487 C6.2, C1.2.4. */
#include "litmus/litmus_instr.h"

bool mmusim__litmus_condition(uint8_t cond, uint64_t nzcv)
{
    bool n = nzcv >> 3 & 1, z = nzcv >> 2 & 1, c = nzcv >> 1 & 1, v = nzcv & 1;
    bool holds = true;

    switch (cond >> 1) {
    case 0:
        holds = z;
        break;
    case 1:
        holds = c;
        break;
    case 2:
        holds = n;
        break;
    case 3:
        holds = v;
        break;
    case 4:
        holds = c && !z;
        break;
    case 5:
        holds = n == v;
        break;
    case 6:
        holds = n == v && !z;
        break;
    default:
        return true;
    }
    return holds != (cond & 1);
}

static uint64_t alu_flags_of(uint64_t value, uint64_t mask)
{
    return (value == 0 ? 4U : 0U) | (value & (mask ^ mask >> 1) ? 8U : 0U);
}

static uint64_t alu_subtract_flags(uint64_t a, uint64_t b, uint64_t mask)
{
    uint64_t difference = (a - b) & mask;
    uint64_t sign = mask ^ mask >> 1;
    uint64_t flags = alu_flags_of(difference, mask);

    if (a >= b)
        flags |= 2;
    if ((a ^ b) & (a ^ difference) & sign)
        flags |= 1;
    return flags;
}

static uint64_t alu_value(const struct litmus_instr *instr, uint64_t a,
                          uint64_t b)
{
    uint64_t bits = instr->is_word ? 32 : 64;

    switch (instr->alu) {
    case LITMUS_ALU_MOV:
    case LITMUS_ALU_CAS:
        return b;
    case LITMUS_ALU_ADD:
        return a + b;
    case LITMUS_ALU_SUB:
        return a - b;
    case LITMUS_ALU_AND:
        return a & b;
    case LITMUS_ALU_ORR:
        return a | b;
    case LITMUS_ALU_EOR:
        return a ^ b;
    case LITMUS_ALU_BIC:
        return a & ~b;
    case LITMUS_ALU_LSL:
        return a << (b % bits);
    case LITMUS_ALU_LSR:
        return a >> (b % bits);
    case LITMUS_ALU_UBFX:
        return a >> (b % bits) &
               (instr->width >= 64 ? UINT64_MAX
                                   : (UINT64_C(1) << instr->width) - 1);
    case LITMUS_ALU_INC:
        return b + 1;
    }
    return 0;
}

struct litmus_alu_result
mmusim__litmus_compute(const struct litmus_instr *instr, uint64_t a, uint64_t b)
{
    uint64_t mask = instr->is_word ? UINT32_MAX : UINT64_MAX;
    struct litmus_alu_result result;

    a &= mask;
    b &= mask;
    result.value = alu_value(instr, a, b) & mask;
    result.nzcv = instr->alu == LITMUS_ALU_SUB
                      ? alu_subtract_flags(a, b, mask)
                      : alu_flags_of(result.value, mask);
    return result;
}
