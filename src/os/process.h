/* SPDX-License-Identifier: MIT */
/* Threads and processes: the kernel's start and end, birth and death of
 * threads. */
#ifndef MMUSIM_OS_PROCESS_H
#define MMUSIM_OS_PROCESS_H

#include "core/source.h"
#include "os/kernel.h"

/* Blocks for pages of every size and for every level's tables. */
struct frame_orders mmusim__kernel_frame_orders(const struct kernel *kernel);

/* What mmusim__kernel_init() needs besides the fields its caller has set:
 * system, config, is_order_recorded, format, tables, translations. */
mmusim_status_t mmusim__kernel_init(struct kernel *kernel);
void mmusim__kernel_fini(struct kernel *kernel);

/* Makes the source's threads; those that no record creates start at once, each
 * in an address space of its own. on_thread_begin has been set. */
mmusim_status_t mmusim__threads_create(struct kernel *kernel,
                                       const struct mmusim_source *source);
/* Makes those that the source has come to know since. */
void mmusim__threads_update(struct kernel *kernel);
/* Makes a thread runnable on its CPU; mm is NULL or gains a thread. */
void mmusim__thread_start(struct kernel *kernel, struct thread *thread,
                          struct mm *mm, uint64_t now);

/* exit_mmap() of an address space that no thread has any more: pushes frames;
 * mmusim__mm_died() is to come after. */
void mmusim__process_unmap_all(struct cpu *cpu, struct kernel *kernel,
                               struct mm *mm);

/* The thread of a tid that has not started yet; NULL: none. */
struct thread *mmusim__thread_unborn(struct kernel *kernel, uint32_t tid);

/* `kthread`: the thread gives up its own address space before it has run. */
void mmusim__thread_make_kernel(struct kernel *kernel, struct cpu *cpu,
                                struct thread *thread);

#endif
