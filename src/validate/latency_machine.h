/* SPDX-License-Identifier: MIT */
/* What the fit of data caches takes from a machine's configuration, read key
 * by key as any user of the library would. */
#ifndef MMUSIM_VALIDATE_LATENCY_MACHINE_H
#define MMUSIM_VALIDATE_LATENCY_MACHINE_H

#include "mmusim/config.h"
#include "validate/cache_fit.h"

enum { LATENCY_TEXT_BYTES = 96 };

/* Names of the levels in keys and reports. */
extern const char *const mmusim__latency_levels[FIT_LEVELS];

/* A key's number, sizes with their suffix; 0 if it has none. */
uint64_t mmusim__latency_get(const mmusim_config_t *config, const char *key);

void mmusim__latency_read_machine(const mmusim_config_t *config,
                                  struct fit_machine *machine);

#endif
