/* SPDX-License-Identifier: MIT */
/* The fabrics that fabric_table.c lists. */
#ifndef MMUSIM_COHERENCE_FABRIC_LIST_H
#define MMUSIM_COHERENCE_FABRIC_LIST_H

#include "coherence/fabric.h"

extern const struct fabric_ops mmusim__fabric_dvm;
extern const struct fabric_ops mmusim__fabric_invlpgb;
extern const struct fabric_ops mmusim__fabric_rar;

#endif
