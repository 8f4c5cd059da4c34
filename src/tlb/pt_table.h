/* SPDX-License-Identifier: MIT */
/*
 * The list of page-table formats; for the pt_<arch>.c files only. Each makes
 * formats from options, and refuses those that its architecture lacks.
 */
#ifndef MMUSIM_TLB_PT_TABLE_H
#define MMUSIM_TLB_PT_TABLE_H

#include "tlb/pt_format.h"

typedef mmusim_status_t (*pt_init_fn)(struct pt_format *format,
                                      const struct pt_options *options,
                                      mmusim_diag_t *diag);

mmusim_status_t mmusim__pt_x86_64_init(struct pt_format *format,
                                       const struct pt_options *options,
                                       mmusim_diag_t *diag);
mmusim_status_t mmusim__pt_i386_init(struct pt_format *format,
                                     const struct pt_options *options,
                                     mmusim_diag_t *diag);
mmusim_status_t mmusim__pt_pae_init(struct pt_format *format,
                                    const struct pt_options *options,
                                    mmusim_diag_t *diag);
mmusim_status_t mmusim__pt_ept_init(struct pt_format *format,
                                    const struct pt_options *options,
                                    mmusim_diag_t *diag);
mmusim_status_t mmusim__pt_npt_init(struct pt_format *format,
                                    const struct pt_options *options,
                                    mmusim_diag_t *diag);
mmusim_status_t mmusim__pt_armv8_init(struct pt_format *format,
                                      const struct pt_options *options,
                                      mmusim_diag_t *diag);
mmusim_status_t mmusim__pt_lpae_init(struct pt_format *format,
                                     const struct pt_options *options,
                                     mmusim_diag_t *diag);
mmusim_status_t mmusim__pt_short_init(struct pt_format *format,
                                      const struct pt_options *options,
                                      mmusim_diag_t *diag);
mmusim_status_t mmusim__pt_riscv_init(struct pt_format *format,
                                      const struct pt_options *options,
                                      mmusim_diag_t *diag);

/* Says what is possible instead; returns MMUSIM_CONFIG. */
mmusim_status_t mmusim__pt_refuse(mmusim_diag_t *diag, const char *key,
                                  const char *text);

#endif
