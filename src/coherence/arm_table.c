/* SPDX-License-Identifier: MIT */
/*
 * Arm's TLB maintenance instructions. Sources: Arm ARM for A-profile, DDI 0487,
 * C5.5 (one page per TLBI) and D8 "TLB maintenance instructions"; Arm ARM for
 * v7-A and v7-R, DDI 0406C, B3.10.5 and B4.2.2.
 *
 * Stage 1 forms (E1) reach entries that combine both stages, of the current
 * VMID; IPAS2 forms only those of stage 2 alone: software adds VMALLE1
 * (D8, "Invalidation of TLB entries from stage 2 translations").
 */
#include "coherence/arm_table.h"

#define V8 "DDI 0487 C5.5, D8"
#define V7 "DDI 0406C B4.2.2"

#define EL1        (1U << REGIME_EL1)
#define EL2        (1U << REGIME_EL2)
#define STAGE2     (1U << REGIME_STAGE2)
#define BOTH       (EL1 | STAGE2)
#define NO_FEATURE 0U

#define FORM(isa_, source_, name_, reach_, nxs_, needs_, regimes_, operand_,   \
             pages_, asid_, vmid_, globals_, psc_)                             \
    {                                                                          \
        .name = name_, .source = source_, .isa = isa_, .operand = operand_,    \
        .regimes = regimes_, .pages = pages_, .asid = asid_, .vmid = vmid_,    \
        .globals = globals_, .psc = psc_, .reach = reach_,                     \
        .completion = COMPLETE_AT_DSB, .needs = needs_, .is_nxs = nxs_         \
    }

/* Each Armv8 form is there for this PE, the inner and the outer domain, and
 * each of these without waiting for XS accesses. */
#define TLBI(name_, needs_, ...)                                               \
    FORM(INVAL_ARMV8, V8, name_, REACH_SELF, false, needs_, __VA_ARGS__),      \
        FORM(INVAL_ARMV8, V8, name_ "IS", REACH_INNER, false, needs_,          \
             __VA_ARGS__),                                                     \
        FORM(INVAL_ARMV8, V8, name_ "OS", REACH_OUTER, false,                  \
             (needs_) | ARM_OS, __VA_ARGS__),                                  \
        FORM(INVAL_ARMV8, V8, name_ "NXS", REACH_SELF, true,                   \
             (needs_) | ARM_XS, __VA_ARGS__),                                  \
        FORM(INVAL_ARMV8, V8, name_ "ISNXS", REACH_INNER, true,                \
             (needs_) | ARM_XS, __VA_ARGS__),                                  \
        FORM(INVAL_ARMV8, V8, name_ "OSNXS", REACH_OUTER, true,                \
             (needs_) | ARM_OS | ARM_XS, __VA_ARGS__)

const struct inval_instruction mmusim__armv8_rows[ARMV8_ROW_COUNT] = {
    TLBI("VMALLE1", NO_FEATURE, EL1, ARM_OF_NOTHING, EVERY_PAGE, WHOSE_ANY,
         WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ALL),
    TLBI("VAE1", NO_FEATURE, EL1, ARM_OF_VA, ONE_PAGE, WHOSE_OPERAND,
         WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ADDRESS),
    TLBI("ASIDE1", NO_FEATURE, EL1, ARM_OF_ASID, EVERY_PAGE, WHOSE_OPERAND,
         WHOSE_CURRENT, KEEPS_GLOBALS, INVAL_PSC_ASID),
    TLBI("VAAE1", NO_FEATURE, EL1, ARM_OF_VA, ONE_PAGE, WHOSE_ANY,
         WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ADDRESS),
    TLBI("VALE1", NO_FEATURE, EL1, ARM_OF_VA, ONE_PAGE, WHOSE_OPERAND,
         WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_KEEP),
    TLBI("VAALE1", NO_FEATURE, EL1, ARM_OF_VA, ONE_PAGE, WHOSE_ANY,
         WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_KEEP),
    TLBI("RVAE1", ARM_RANGE, EL1, ARM_OF_VA_RANGE, PAGE_RANGE, WHOSE_OPERAND,
         WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ADDRESS),
    TLBI("RVAAE1", ARM_RANGE, EL1, ARM_OF_VA_RANGE, PAGE_RANGE, WHOSE_ANY,
         WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ADDRESS),
    TLBI("RVALE1", ARM_RANGE, EL1, ARM_OF_VA_RANGE, PAGE_RANGE, WHOSE_OPERAND,
         WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_KEEP),
    TLBI("RVAALE1", ARM_RANGE, EL1, ARM_OF_VA_RANGE, PAGE_RANGE, WHOSE_ANY,
         WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_KEEP),

    TLBI("IPAS2E1", ARM_EL2, STAGE2, ARM_OF_IPA, ONE_PAGE, WHOSE_ANY,
         WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ADDRESS),
    TLBI("IPAS2LE1", ARM_EL2, STAGE2, ARM_OF_IPA, ONE_PAGE, WHOSE_ANY,
         WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_KEEP),
    TLBI("RIPAS2E1", ARM_EL2 | ARM_RANGE, STAGE2, ARM_OF_IPA_RANGE, PAGE_RANGE,
         WHOSE_ANY, WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ADDRESS),
    TLBI("RIPAS2LE1", ARM_EL2 | ARM_RANGE, STAGE2, ARM_OF_IPA_RANGE, PAGE_RANGE,
         WHOSE_ANY, WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_KEEP),
    TLBI("VMALLS12E1", ARM_EL2, BOTH, ARM_OF_NOTHING, EVERY_PAGE, WHOSE_ANY,
         WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ALL),
    TLBI("ALLE1", ARM_EL2, BOTH, ARM_OF_NOTHING, EVERY_PAGE, WHOSE_ANY,
         WHOSE_ANY, DROPS_GLOBALS, INVAL_PSC_ALL),

    TLBI("ALLE2", ARM_EL2, EL2, ARM_OF_NOTHING, EVERY_PAGE, WHOSE_ANY,
         WHOSE_ANY, DROPS_GLOBALS, INVAL_PSC_ALL),
    TLBI("VAE2", ARM_EL2, EL2, ARM_OF_VA, ONE_PAGE, WHOSE_OPERAND, WHOSE_ANY,
         DROPS_GLOBALS, INVAL_PSC_ADDRESS),
    TLBI("VALE2", ARM_EL2, EL2, ARM_OF_VA, ONE_PAGE, WHOSE_OPERAND, WHOSE_ANY,
         DROPS_GLOBALS, INVAL_PSC_KEEP),
    TLBI("RVAE2", ARM_EL2 | ARM_RANGE, EL2, ARM_OF_VA_RANGE, PAGE_RANGE,
         WHOSE_OPERAND, WHOSE_ANY, DROPS_GLOBALS, INVAL_PSC_ADDRESS),
    TLBI("RVALE2", ARM_EL2 | ARM_RANGE, EL2, ARM_OF_VA_RANGE, PAGE_RANGE,
         WHOSE_OPERAND, WHOSE_ANY, DROPS_GLOBALS, INVAL_PSC_KEEP),
};

#define TLBI7(name_, needs_, ...)                                              \
    FORM(INVAL_ARMV7, V7, name_, REACH_SELF, false, needs_, __VA_ARGS__)
/* Inner shareable forms came with the multiprocessing extensions. */
#define TLBI7_IS(name_, needs_, ...)                                           \
    FORM(INVAL_ARMV7, V7, name_ "IS", REACH_INNER, false, (needs_) | ARM_MP,   \
         __VA_ARGS__)
#define TLBI7_BOTH(...) TLBI7(__VA_ARGS__), TLBI7_IS(__VA_ARGS__)

const struct inval_instruction mmusim__armv7_rows[ARMV7_ROW_COUNT] = {
    TLBI7_BOTH("TLBIALL", NO_FEATURE, EL1, ARM_OF_NOTHING, EVERY_PAGE,
               WHOSE_ANY, WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ALL),
    TLBI7_BOTH("TLBIMVA", NO_FEATURE, EL1, ARMV7_OF_MVA, ONE_PAGE,
               WHOSE_OPERAND, WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ADDRESS),
    TLBI7_BOTH("TLBIASID", NO_FEATURE, EL1, ARMV7_OF_ASID, EVERY_PAGE,
               WHOSE_OPERAND, WHOSE_CURRENT, KEEPS_GLOBALS, INVAL_PSC_ASID),
    TLBI7("TLBIMVAA", ARM_MP, EL1, ARMV7_OF_MVA, ONE_PAGE, WHOSE_ANY,
          WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ADDRESS),
    TLBI7_IS("TLBIMVAA", NO_FEATURE, EL1, ARMV7_OF_MVA, ONE_PAGE, WHOSE_ANY,
             WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ADDRESS),

    TLBI7("ITLBIALL", NO_FEATURE, EL1, ARM_OF_NOTHING, EVERY_PAGE, WHOSE_ANY,
          WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ALL),
    TLBI7("ITLBIMVA", NO_FEATURE, EL1, ARMV7_OF_MVA, ONE_PAGE, WHOSE_OPERAND,
          WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ADDRESS),
    TLBI7("ITLBIASID", NO_FEATURE, EL1, ARMV7_OF_ASID, EVERY_PAGE,
          WHOSE_OPERAND, WHOSE_CURRENT, KEEPS_GLOBALS, INVAL_PSC_ASID),
    TLBI7("DTLBIALL", NO_FEATURE, EL1, ARM_OF_NOTHING, EVERY_PAGE, WHOSE_ANY,
          WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ALL),
    TLBI7("DTLBIMVA", NO_FEATURE, EL1, ARMV7_OF_MVA, ONE_PAGE, WHOSE_OPERAND,
          WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ADDRESS),
    TLBI7("DTLBIASID", NO_FEATURE, EL1, ARMV7_OF_ASID, EVERY_PAGE,
          WHOSE_OPERAND, WHOSE_CURRENT, KEEPS_GLOBALS, INVAL_PSC_ASID),

    TLBI7_BOTH("TLBIALLNSNH", ARM_EL2, BOTH, ARM_OF_NOTHING, EVERY_PAGE,
               WHOSE_ANY, WHOSE_ANY, DROPS_GLOBALS, INVAL_PSC_ALL),
    TLBI7_BOTH("TLBIALLH", ARM_EL2, EL2, ARM_OF_NOTHING, EVERY_PAGE, WHOSE_ANY,
               WHOSE_ANY, DROPS_GLOBALS, INVAL_PSC_ALL),
    TLBI7_BOTH("TLBIMVAH", ARM_EL2, EL2, ARMV7_OF_MVA, ONE_PAGE, WHOSE_ANY,
               WHOSE_ANY, DROPS_GLOBALS, INVAL_PSC_ADDRESS),
};
