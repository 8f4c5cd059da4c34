/* SPDX-License-Identifier: MIT */
/* The naive walk (tests/model) of any format of format_list. */
#ifndef MMUSIM_TESTS_SUPPORT_NAIVE_WALK_H
#define MMUSIM_TESTS_SUPPORT_NAIVE_WALK_H

#include "model/walk_model.h"
#include "support/format_list.h"

struct walk_model walk_naively(const struct pt_options *options,
                               const struct pt_memory *memory, uint64_t root,
                               uint64_t vaddr);

#endif
