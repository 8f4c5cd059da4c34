/* SPDX-License-Identifier: MIT */
/* What x86's rules and cases of the conformance matrix share. */
#ifndef MMUSIM_TESTS_CONFORMANCE_CONFORM_X86_H
#define MMUSIM_TESTS_CONFORMANCE_CONFORM_X86_H

#include "conformance/conform.h"

enum { PCID = 5, OTHER_PCID = 6, THIRD_PCID = 9 };

#define ROOT_A        UINT64_C(0x7a000)
#define ROOT_B        UINT64_C(0x7b000)
#define EPTP_LOW      0x5e /* write-back, four levels, A and D */
#define NON_CANONICAL UINT64_C(0x8000000000000)

/* INVLPGB's rAX: APM vol. 3. */
enum { VALID_VA = 1, VALID_PCID = 2, VALID_ASID = 4, GLOBALS = 8 };
enum { FINAL_ONLY = 16, NESTED = 32 };

enum conform_verdict conform_rule_x86(const struct conform_case *c,
                                      const struct conform_entry *e,
                                      const struct conform_target *target);

#endif
