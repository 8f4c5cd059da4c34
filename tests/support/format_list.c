/* SPDX-License-Identifier: MIT */
/* Every page-table format: see format_list.h. */
#include "support/format_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define V8(granule_, bits_, paddr_, stage_)                                    \
    {                                                                          \
        .isa = "armv8", .granule_bytes = (granule_) *1024,                     \
        .vaddr_bits = bits_, .paddr_bits = paddr_, .stage = stage_             \
    }
#define S1 PT_STAGE_1
#define S2 PT_STAGE_2

const struct pt_options format_list[] = {
    {.isa = "x86-64", .n_levels = 4},
    {.isa = "x86-64", .n_levels = 5},
    {.isa = "x86-64", .n_levels = 4, .stage = S2},
    {.isa = "x86-64", .n_levels = 5, .stage = S2},
    {.isa = "x86-64", .variant = "ept-no-ad", .stage = S2},
    {.isa = "x86-64", .variant = "npt", .stage = S2},
    {.isa = "i386", .variant = "plain"},
    {.isa = "i386"},
    {.isa = "i386", .variant = "pae"},
    {.isa = "armv7"},
    {.isa = "armv7", .variant = "lpae"},
    {.isa = "armv7", .stage = S2},
    {.isa = "riscv", .n_levels = 3},
    {.isa = "riscv", .n_levels = 4},
    {.isa = "riscv", .n_levels = 5},
    {.isa = "riscv", .n_levels = 3, .stage = S2},
    {.isa = "riscv", .n_levels = 5, .stage = S2},
    V8(4, 39, 0, S1),
    V8(4, 48, 0, S1),
    V8(4, 48, 52, S1), /* DS with 48 bits of virtual address */
    V8(4, 52, 0, S1),
    V8(16, 36, 0, S1),
    V8(16, 47, 0, S1),
    V8(16, 48, 0, S1),
    V8(16, 52, 0, S1),
    V8(64, 42, 0, S1),
    V8(64, 48, 0, S1),
    V8(64, 52, 0, S1),
    V8(64, 52, 48, S1), /* FEAT_LVA without FEAT_LPA */
    V8(4, 40, 40, S2),
    V8(4, 48, 0, S2),
    V8(4, 52, 0, S2),
    V8(16, 40, 0, S2),
    V8(16, 52, 0, S2),
    V8(64, 42, 0, S2),
    V8(64, 52, 0, S2),
};

const size_t n_formats = sizeof(format_list) / sizeof(format_list[0]);

struct pt_format format_of(const struct pt_options *options)
{
    struct pt_format format;
    mmusim_diag_t diag = {0};

    if (mmusim__pt_format_init(&format, options, &diag))
        fail_msg("%s %s", options->isa, diag.text);
    return format;
}
