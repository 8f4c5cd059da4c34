/* SPDX-License-Identifier: MIT */
/*
 * The argument pages of exec (fs/exec.c): written below the highest address a
 * stack can have while the new address space is not loaded yet, and moved down
 * by a random distance once it is (shift_arg_pages(), relocate_vma_down() from
 * 6.16 on): entries moved and flushed as by mremap, then a gather of page
 * tables alone, without an area, frees the tables that fall empty (B20).
 */
#ifndef MMUSIM_OS_EXEC_STACK_H
#define MMUSIM_OS_EXEC_STACK_H

#include "os/kernel.h"

/* os.exec_arg_pages into a new address space, fewer if memory is short;
 * returns the cycles. */
uint64_t mmusim__exec_put_arguments(struct cpu *cpu, struct kernel *kernel,
                                    struct mm *mm);
/* Pushes the frame that moves them, under mmap_lock. */
void mmusim__exec_shift_arguments(struct cpu *cpu, struct kernel *kernel,
                                  struct mm *mm);

#endif
