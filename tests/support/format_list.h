/* SPDX-License-Identifier: MIT */
/* Every page-table format there is, for tests that hold for all. */
#ifndef MMUSIM_TESTS_SUPPORT_FORMAT_LIST_H
#define MMUSIM_TESTS_SUPPORT_FORMAT_LIST_H

#include "tlb/pt_format.h"

extern const struct pt_options format_list[];
extern const size_t n_formats;

/* The format of a row; fails the test if it is refused. */
struct pt_format format_of(const struct pt_options *options);

#endif
