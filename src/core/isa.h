/* SPDX-License-Identifier: MIT */
/* The instruction sets that a machine can have: key `isa`. */
#ifndef MMUSIM_CORE_ISA_H
#define MMUSIM_CORE_ISA_H

#define ISA_MAP(X)                                                             \
    X(X86_64, "x86-64")                                                        \
    X(I386, "i386")                                                            \
    X(ARMV8, "armv8")                                                          \
    X(ARMV7, "armv7")                                                          \
    X(RISCV, "riscv")

enum isa {
#define ISA_ENUM(name, word) ISA_##name,
    ISA_MAP(ISA_ENUM)
#undef ISA_ENUM
        ISA_COUNT
};

/* Sets of them: 1 << isa, or-ed. */
enum {
    ISAS_X86 = 1 << ISA_X86_64 | 1 << ISA_I386,
};

static inline const char *isa_name(enum isa isa)
{
    static const char *const names[] = {
#define ISA_NAME(name, word) word,
        ISA_MAP(ISA_NAME)
#undef ISA_NAME
    };

    return names[isa];
}

#endif
