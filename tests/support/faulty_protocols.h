/* SPDX-License-Identifier: MIT */
/*
 * Protocols of the product with one mistake each, such as kernels have had:
 * the checker must find it.
 */
#ifndef MMUSIM_TESTS_SUPPORT_FAULTY_PROTOCOLS_H
#define MMUSIM_TESTS_SUPPORT_FAULTY_PROTOCOLS_H

#include "coherence/protocol.h"

struct faulty_protocol {
    const char *name;
    const char *base; /* the row that it spoils */
    enum isa isa;
    bool needs_pressure; /* shows when pages are reclaimed */
    uint64_t first_seed; /* of the programs to try */
    /* Overrides what is wrong in a copy of the base. */
    void (*spoil)(struct protocol_ops *ops);
};

/* NULL past the end. */
const struct faulty_protocol *faulty_protocol_at(size_t index);

#endif
