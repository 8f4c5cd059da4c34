/* SPDX-License-Identifier: MIT */
/* Measured latency curves, read from a CSV file: mmusim/validate.h. */
#ifndef MMUSIM_VALIDATE_CURVES_H
#define MMUSIM_VALIDATE_CURVES_H

#include "mmusim/validate.h"

struct curve_point {
    uint64_t size_kib;
    double cycles_64b; /* 0: not measured */
    double cycles_4k;
    uint32_t line;
};

struct curve {
    char *tlb_of;
    char *cpu;
    uint32_t line;
    struct curve_point *points; /* sizes ascend */
    size_t n_points;
    size_t capacity;
};

struct mmusim_curves {
    struct curve *curves;
    size_t n_curves;
    size_t capacity;
};

enum {
    CURVE_POINTS_MIN = 6,    /* a level of each kind, and a little more */
    CURVE_KIB_MAX = 1 << 24, /* 16 GiB: 4 Mi pages */
};

#endif
