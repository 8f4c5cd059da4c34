/* SPDX-License-Identifier: MIT */
/*
 * A program that tells mmusim its phases (mmusim/mark.h). It touches the pages
 * of an array one after the other, then in an order that jumps, then gives them
 * back. See what each phase costs:
 *
 *     cc -O2 -o marks examples/marks.c $(pkg-config --cflags mmusim)
 *     mmusim run --attach-marks -- ./marks
 *
 * On its own it only computes.
 */
#include "mmusim/mark.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { PAGE_BYTES = 4096, PAGES = 8192, JUMP = 1237 };

int main(void)
{
    uint8_t *bytes = malloc((size_t) PAGES * PAGE_BYTES);
    uint64_t sum = 0;

    if (!bytes)
        return 1;
    mmusim_mark("fill");
    for (size_t i = 0; i < PAGES; i++)
        bytes[i * PAGE_BYTES] = (uint8_t) i;
    mmusim_mark("in-order");
    for (size_t i = 0; i < PAGES; i++)
        sum += bytes[i * PAGE_BYTES];
    mmusim_mark("jumping");
    for (size_t i = 0; i < PAGES; i++)
        sum += bytes[i * JUMP % PAGES * PAGE_BYTES];
    mmusim_mark("give-back");
    free(bytes);
    mmusim_mark("end");
    printf("%llu\n", (unsigned long long) sum);
    return 0;
}
