/* SPDX-License-Identifier: MIT */
/* The list of protocols: one line each. */
#include "coherence/i386_cr3.h"
#include "coherence/ideal.h"
#include "coherence/linux_arm.h"
#include "coherence/linux_arm64.h"
#include "coherence/linux_riscv.h"
#include "coherence/linux_x86_classic.h"
#include "coherence/linux_x86_tlbgen.h"
#include "coherence/protocol.h"

#include <string.h>

static const struct protocol_ops *const protocols[] = {
    &mmusim__protocol_linux_4_6,
    &mmusim__protocol_linux_4_6_fixed,
    &mmusim__protocol_i386_cr3,
    &mmusim__protocol_i386_cr3_fixed,
    &mmusim__protocol_linux_4_20,
    &mmusim__protocol_linux_4_20_fixed,
    &mmusim__protocol_linux_6_14,
    &mmusim__protocol_linux_6_14_fixed,
    &mmusim__protocol_linux_7_1,
    &mmusim__protocol_linux_7_1_fixed,
    &mmusim__protocol_linux_arm64_4_4,
    &mmusim__protocol_linux_arm64_4_4_fixed,
    &mmusim__protocol_linux_arm64_4_20,
    &mmusim__protocol_linux_arm64_4_20_fixed,
    &mmusim__protocol_linux_arm64_5_10,
    &mmusim__protocol_linux_arm64_5_10_fixed,
    &mmusim__protocol_linux_arm64_6_8,
    &mmusim__protocol_linux_arm64_6_8_fixed,
    &mmusim__protocol_linux_arm64_7_1,
    &mmusim__protocol_linux_arm_2_6_37,
    &mmusim__protocol_linux_arm_2_6_37_fixed,
    &mmusim__protocol_linux_arm_2_6_38,
    &mmusim__protocol_linux_arm_2_6_38_fixed,
    &mmusim__protocol_linux_arm,
    &mmusim__protocol_linux_riscv_6_2,
    &mmusim__protocol_linux_riscv_6_2_fixed,
    &mmusim__protocol_linux_riscv,
    &mmusim__protocol_ideal,
};

enum { N_PROTOCOLS = sizeof(protocols) / sizeof(protocols[0]) };

const struct protocol_ops *mmusim__protocol_find(const char *name)
{
    for (size_t i = 0; i < N_PROTOCOLS; i++) {
        if (!strcmp(protocols[i]->name, name))
            return protocols[i];
    }
    return NULL;
}

const char *mmusim__protocol_name_at(size_t index)
{
    return index < N_PROTOCOLS ? protocols[index]->name : NULL;
}
