/* SPDX-License-Identifier: MIT */
/* One AArch64 instruction of a litmus test, decoded from its text: see
 * litmus_instr.c for those there are. */
#ifndef MMUSIM_LITMUS_LITMUS_INSTR_H
#define MMUSIM_LITMUS_LITMUS_INSTR_H

#include "coherence/arm_ops.h"

enum {
    LITMUS_ZERO = 31,  /* XZR: reads as 0 */
    LITMUS_FLAGS = 32, /* NZCV, N in bit 3 */
    LITMUS_ELR = 33,   /* ELR_EL1 */
    LITMUS_N_REGISTERS = 34,
    LITMUS_NO_REGISTER = 255,
    LITMUS_MAX_SOURCES = 4,
};

enum litmus_op {
    LITMUS_NOP,
    LITMUS_ALU,    /* rd = alu(rn, rm or imm), flags where sets_flags */
    LITMUS_CSEL,   /* rd = cond ? rn : rm; CSET, CSINC by alu */
    LITMUS_BRANCH, /* to target where taken; has_condition, or rn zero or not */
    LITMUS_LOAD,
    LITMUS_STORE,
    LITMUS_RMW,   /* alu of memory and rs, old value to rd */
    LITMUS_LOADX, /* exclusive */
    LITMUS_STOREX,
    LITMUS_DMB,
    LITMUS_DSB,
    LITMUS_ISB,
    LITMUS_TLBI,
    LITMUS_ADR, /* rd = the address of target */
    LITMUS_ERET,
};

enum litmus_alu {
    LITMUS_ALU_MOV,
    LITMUS_ALU_ADD,
    LITMUS_ALU_SUB,
    LITMUS_ALU_AND,
    LITMUS_ALU_ORR,
    LITMUS_ALU_EOR,
    LITMUS_ALU_BIC, /* also LDCLR */
    LITMUS_ALU_LSL,
    LITMUS_ALU_LSR,
    LITMUS_ALU_UBFX,
    LITMUS_ALU_INC, /* of CSINC: rm + 1 */
    LITMUS_ALU_CAS, /* rmw only: rs if the old value equals rd's */
};

enum litmus_barrier { LITMUS_FULL, LITMUS_LOADS, LITMUS_STORES };

enum litmus_branch {
    LITMUS_ALWAYS,
    LITMUS_IF_COND,
    LITMUS_IF_ZERO,
    LITMUS_IF_NONZERO
};

struct litmus_instr {
    enum litmus_op op;
    enum litmus_alu alu;
    enum litmus_barrier barrier;
    enum litmus_branch branch;
    uint8_t cond; /* 4 bits, as encoded; Arm ARM C1.2.4 */
    uint8_t rd;   /* result, LITMUS_NO_REGISTER: none */
    uint8_t rn;   /* base of an address */
    uint8_t rm;   /* index of an address */
    uint8_t rs;   /* data of a store, operand of an RMW, status of STXR: rd */
    bool is_word; /* W registers, 4 bytes */
    bool sets_flags;
    bool is_acquire;
    bool is_acquire_pc; /* LDAPR */
    bool is_release;
    bool index_is_word, index_is_signed; /* UXTW, SXTW */
    uint8_t shift;                       /* of rm */
    uint8_t width;                       /* UBFX */
    int64_t imm;
    char target_name[32];
    uint16_t target;
    char tlbi[16]; /* VAAE1IS */
    struct arm_dsb dsb;
    uint32_t line;
    uint8_t label_count; /* labels standing here are in the reader */
};

/* Decodes "LDR W0,[X1]" (without label). NULL: done; else what is wrong; a
 * text that starts with "not supported" names what this machine lacks. */
const char *mmusim__litmus_decode(const char *text, struct litmus_instr *instr);

static inline bool litmus_is_access(const struct litmus_instr *instr)
{
    return instr->op == LITMUS_LOAD || instr->op == LITMUS_STORE ||
           instr->op == LITMUS_RMW || instr->op == LITMUS_LOADX ||
           instr->op == LITMUS_STOREX;
}

static inline bool litmus_reads(const struct litmus_instr *instr)
{
    return instr->op == LITMUS_LOAD || instr->op == LITMUS_RMW ||
           instr->op == LITMUS_LOADX;
}

static inline bool litmus_writes(const struct litmus_instr *instr)
{
    return instr->op == LITMUS_STORE || instr->op == LITMUS_RMW ||
           instr->op == LITMUS_STOREX;
}

/* Does the condition hold for NZCV? Arm ARM C1.2.4. */
bool mmusim__litmus_condition(uint8_t cond, uint64_t nzcv);

struct litmus_alu_result {
    uint64_t value;
    uint64_t nzcv;
};

struct litmus_alu_result
mmusim__litmus_compute(const struct litmus_instr *instr, uint64_t a,
                       uint64_t b);

#endif
