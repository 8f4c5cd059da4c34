/* SPDX-License-Identifier: MIT */
/*
 * What is in an anonymous page, as far as merging asks: a number, equal for
 * pages that are equal. A trace has no contents, so the user says how they are
 * distributed (os.ksm.duplicate_ppm, .classes, .volatile_ppm), and a hash of
 * seed, address space and address decides for each page:
 *
 * - one of duplicate_ppm in a million is one of `classes` different pages, or,
 *   with 0 classes, equal to those at the same address of every other address
 *   space; the others are like no other page;
 * - one of volatile_ppm in a million is different each time it is looked at.
 *
 * A page becomes like no other at a store that the kernel hears of: one that
 * copies it, or gives back the right to write. Stores that the hardware lets
 * through leave no trace. What is in a page goes with it through fork, mremap
 * and migration, and is decided anew when it comes back from swap.
 */
#ifndef MMUSIM_OS_PAGE_CONTENTS_H
#define MMUSIM_OS_PAGE_CONTENTS_H

#include "os/kernel.h"

struct page;

/* Of a page of mm at vaddr, page == NULL: a part of a huge one. Never 0. From
 * then on it is what the page has. */
uint64_t mmusim__contents_of(const struct kernel *kernel, struct page *page,
                             const struct mm *mm, uint64_t vaddr);
/* Is it different each time? */
bool mmusim__contents_change(const struct kernel *kernel, const struct mm *mm,
                             uint64_t vaddr);
/* A store has been heard of: now it is like no other page. */
void mmusim__contents_written(struct kernel *kernel, pfn_t pfn);
/* A copy of a page has been made. */
void mmusim__contents_copied(struct kernel *kernel, pfn_t from, pfn_t to);

#endif
