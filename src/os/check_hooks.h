/* SPDX-License-Identifier: MIT */
/*
 * What the kernel tells the checker (coherence/check_cpus.h). All of it is for
 * a system whose `check` is not NULL.
 */
#ifndef MMUSIM_OS_CHECK_HOOKS_H
#define MMUSIM_OS_CHECK_HOOKS_H

#include "os/page_table.h"

struct sys_frame;

/* A word of a table is about to be written; decoded as a leaf's is. */
void mmusim__check_word(struct kernel *kernel, const struct pte_slot *slot,
                        const struct pt_entry *before,
                        const struct pt_entry *after);
/* Frames that become free are told of from now on. */
void mmusim__check_frames(struct kernel *kernel);
/* The contents of a page have been copied or written back: a store through a
 * translation that is being withdrawn is lost. */
void mmusim__check_contents_taken(struct kernel *kernel, pfn_t pfn);
/* An address space is no more. */
void mmusim__check_mm_end(struct kernel *kernel, const struct mm *mm);
/* A system call enters; its edits are made; it returns to the caller. */
void mmusim__check_sys_enter(struct cpu *cpu, struct kernel *kernel);
void mmusim__check_sys_effect(struct cpu *cpu, struct kernel *kernel);
void mmusim__check_sys_return(struct cpu *cpu, const struct sys_frame *sys);

#endif
