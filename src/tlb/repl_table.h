/* SPDX-License-Identifier: MIT */
/* The policies, for the table alone: users find them by name (repl.h). */
#ifndef MMUSIM_TLB_REPL_TABLE_H
#define MMUSIM_TLB_REPL_TABLE_H

#include "tlb/repl.h"

extern const struct repl_ops mmusim__repl_lru;
extern const struct repl_ops mmusim__repl_plru;
extern const struct repl_ops mmusim__repl_fifo;
extern const struct repl_ops mmusim__repl_random;

#endif
