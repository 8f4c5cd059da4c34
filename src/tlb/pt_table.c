/* SPDX-License-Identifier: MIT */
/* The list of page-table formats: see pt_table.h. */
#include "tlb/pt_table.h"

#include "core/diag.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *isa;
    const char *variant; /* "": the usual one */
    enum pt_stage stage;
    pt_init_fn init;
} pt_formats[] = {
    {"x86-64", "", PT_STAGE_1, mmusim__pt_x86_64_init},
    {"x86-64", "", PT_STAGE_2, mmusim__pt_ept_init},
    {"x86-64", "ept", PT_STAGE_2, mmusim__pt_ept_init},
    {"x86-64", "ept-no-ad", PT_STAGE_2, mmusim__pt_ept_init},
    {"x86-64", "npt", PT_STAGE_2, mmusim__pt_npt_init},
    {"i386", "", PT_STAGE_1, mmusim__pt_i386_init},
    {"i386", "pse", PT_STAGE_1, mmusim__pt_i386_init},
    {"i386", "plain", PT_STAGE_1, mmusim__pt_i386_init},
    {"i386", "pae", PT_STAGE_1, mmusim__pt_pae_init},
    {"armv8", "", PT_STAGE_1, mmusim__pt_armv8_init},
    {"armv8", "", PT_STAGE_2, mmusim__pt_armv8_init},
    {"armv7", "", PT_STAGE_1, mmusim__pt_short_init},
    {"armv7", "short", PT_STAGE_1, mmusim__pt_short_init},
    {"armv7", "lpae", PT_STAGE_1, mmusim__pt_lpae_init},
    {"armv7", "", PT_STAGE_2, mmusim__pt_lpae_init},
    {"riscv", "", PT_STAGE_1, mmusim__pt_riscv_init},
    {"riscv", "", PT_STAGE_2, mmusim__pt_riscv_init},
};

mmusim_status_t mmusim__pt_refuse(mmusim_diag_t *diag, const char *key,
                                  const char *text)
{
    mmusim_status_t status =
        mmusim__diag_set(diag, MMUSIM_CONFIG, "%s: %s", key, text);

    mmusim__diag_key(diag, key);
    return status;
}

static mmusim_status_t pt_refuse_variant(const struct pt_options *options,
                                         mmusim_diag_t *diag)
{
    char text[128];
    size_t used = 0;

    for (size_t i = 0; i < sizeof(pt_formats) / sizeof(pt_formats[0]); i++) {
        const char *variant = pt_formats[i].variant;

        if (strcmp(pt_formats[i].isa, options->isa) ||
            pt_formats[i].stage != options->stage || used >= sizeof(text))
            continue;
        used += (size_t) snprintf(text + used, sizeof(text) - used, "%s%s",
                                  used ? ", " : "one of ",
                                  *variant ? variant : "usual");
    }
    if (!used)
        return mmusim__pt_refuse(diag, "isa",
                                 "no page tables of that architecture");
    return mmusim__pt_refuse(diag, "page_table.format", text);
}

mmusim_status_t mmusim__pt_format_init(struct pt_format *format,
                                       const struct pt_options *options,
                                       mmusim_diag_t *diag)
{
    const char *variant = options->variant ? options->variant : "";

    for (size_t i = 0; i < sizeof(pt_formats) / sizeof(pt_formats[0]); i++) {
        if (strcmp(pt_formats[i].isa, options->isa) ||
            pt_formats[i].stage != options->stage)
            continue;
        if (!strcmp(pt_formats[i].variant, variant))
            return pt_formats[i].init(format, options, diag);
    }
    return pt_refuse_variant(options, diag);
}
