/* SPDX-License-Identifier: MIT */
/* Page sizes as text: 4K, 64K, 2M, 512M, 1G. */
#ifndef MMUSIM_CORE_PAGE_SIZE_H
#define MMUSIM_CORE_PAGE_SIZE_H

#include <stddef.h>
#include <stdint.h>

enum { PAGE_SIZE_TEXT_BYTES = 8 };

/* The order (4 KiB units) of a size of `length` characters; -1: it is no power
 * of two from 4K to 64T with a unit of K, M, G or T. */
int mmusim__page_size_order(const char *text, size_t length);

/* The shortest form, PAGE_SIZE_TEXT_BYTES with the end. order < 40. */
void mmusim__page_size_print(uint32_t order, char *text);

#endif
