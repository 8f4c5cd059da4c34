/* SPDX-License-Identifier: MIT */
/*
 * The simulated kernel: address spaces, threads, frames, and the state of each
 * CPU that belongs to the scheduler. Owned by the machine.
 *
 * OS operations are frames on a CPU's kernel stack (coherence/cpu.h); the
 * functions sys_* and fault_* of this folder push them.
 */
#ifndef MMUSIM_OS_KERNEL_H
#define MMUSIM_OS_KERNEL_H

#include "coherence/mmu_gather.h"
#include "coherence/protocol.h"
#include "core/op.h"
#include "os/frame_alloc.h"
#include "os/kernel_map.h"
#include "os/locks.h"
#include "os/os_config.h"
#include "os/unmap_plan.h"
#include "os/vm_area.h"
#include "os/vm_counters.h"
#include "os/vmap.h"
#include "tlb/pt_format.h"

struct mem_model;
struct mmusim_source;
struct nested;
struct khugepaged;
struct ksm;
struct ksm_item;
struct page_cache;
struct reclaim;
struct thread;

/* An address space: struct mm_struct. */
struct mm {
    struct address_space space; /* first: the protocols' view */
    struct vm_set *areas;
    struct vm_set *unmapped; /* ranges a record has unmapped: no first touch */
    struct klock mmap_lock;
    /* anon_vma and i_mmap of all its areas: who looks at an entry through the
     * reverse map reads, who frees tables writes. */
    struct klock rmap_lock;
    bool is_untracked;          /* its entries are in no reverse map */
    bool is_mergeable;          /* MMF_VM_MERGEABLE: it had such an area */
    struct ksm_item *ksm_items; /* by address */
    uint64_t brk;               /* 0: not known yet */
    uint64_t numa_next_cycle;   /* of the next scan (numa_balance.h), */
    uint64_t numa_cursor;       /* and where it begins */
    uint32_t n_threads;
    bool is_dead; /* no thread left, its user mappings are gone */
    bool is_full; /* dead, and they are not: mmusim__mm_discard */
    struct mm *next;
};

enum thread_state {
    THREAD_UNBORN,   /* its clone or fork has not run yet */
    THREAD_RUNNABLE, /* in its CPU's run queue */
    THREAD_RUNNING,
    THREAD_SLEEPING, /* `idle`: off the queue */
    THREAD_EXITED,
};

/* Order stamps of one thread (order.c). */
struct thread_order {
    uint64_t reached;   /* greatest `sync` line reached */
    uint64_t done;      /* operations 1..done of this thread are behind it */
    uint64_t last_sync; /* greatest of the whole stream */
    uint64_t own_op;    /* number of the operation directly after the line, to
                           be run; 0: none */
    bool is_waiting;    /* at its line */
    bool is_starting;   /* waiting for rule 2: before its own operation */
    bool is_away;       /* its records are late: nobody waits for it */
    bool was_away;      /* and its next line tells whether that mattered */
};

struct thread {
    struct kernel *kernel;
    uint32_t tid;
    uint32_t index; /* order of first appearance */
    struct mm *mm;  /* NULL: a kernel thread */
    struct cpu *cpu;
    enum thread_state state;
    struct thread_order order;
    struct event wake_event; /* end of a timed sleep */
    bool is_asleep; /* `idle`: its waiting is not the trace's order's doing */
    struct thread *next_runnable;
    void *user; /* the machine's: its place in the stream */
    /* Of the kernel's own threads (kernel_daemon.h): pushes a frame of work,
     * or makes the thread sleep. NULL: the thread has a stream. */
    void (*serve)(struct cpu *cpu, struct thread *thread);
};

struct migration;

/* Pages that a CPU is moving (migrate.h). */
struct migration_batch {
    struct migration *pages; /* NULL until first used; MIGRATE_BATCH of them */
    uint32_t n;
};

/* The scheduler's part of a CPU. */
struct os_cpu {
    struct cpu *cpu;
    struct kernel *kernel;
    struct thread *current; /* NULL: the idle thread */
    struct thread *queue_head, *queue_tail;
    uint64_t slice_end_cycle;
    struct mmu_gather gather;
    struct unmap_plan plan;
    struct rng rng; /* of exec's stacks */
    struct migration_batch migration;
    uint64_t thp_tick_cycle;  /* khugepaged.h; CYCLE_NEVER: off */
    uint64_t numa_tick_cycle; /* numa_balance.h; CYCLE_NEVER: off */
    uint64_t ksm_tick_cycle;  /* ksm.h; CYCLE_NEVER: off */
    uint32_t n_order_waiting; /* its threads that wait, off the CPU */
    uint64_t effect_version;  /* check_hooks.h: of the call's edits; 0: none */
};

enum fault_kind {
    FAULT_MINOR,
    FAULT_MAJOR,
    FAULT_PROTECTION, /* rights repaired without a copy */
    FAULT_COW,
    FAULT_SPURIOUS, /* nothing to do: somebody else was faster */
    FAULT_INVALID,  /* a failed access */
    FAULT_HINT,     /* of NUMA balancing */
    FAULT_FLAGS,    /* set A or D, which the hardware leaves to software */
    FAULT_KIND_COUNT
};

struct kernel {
    struct system *system;
    uint64_t now; /* cycle of the event being handled */
    struct os_config config;
    bool is_order_recorded;
    struct pt_memory *tables;
    struct mem_model *memory; /* hears of page-table writes */
    struct nested *nested;    /* of a guest; else NULL */
    bool has_software_accessed, has_software_dirty; /* see mmu_config.h */
    const struct pt_format *format;
    struct frame_alloc *frames;
    struct page_cache *page_cache;
    struct khugepaged *khugepaged;
    struct ksm *ksm; /* NULL: os.ksm.run is off */
    struct reclaim *reclaim;
    struct translation_table *translations;
    struct mm init_mm;
    struct kernel_map map; /* init_mm's, made at boot */
    struct vmap_lazy vmap;
    struct mm *mms; /* all living ones but init_mm */
    uint64_t next_mm_id;
    pfn_t zero_page;
    pfn_t huge_zero_page; /* 0: not made yet */
    struct gather_shape gather_shape;
    struct os_cpu *cpus; /* by CPU id */
    struct thread *threads;
    uint32_t n_threads;
    uint32_t n_live;        /* started and not exited */
    uint32_t *thread_order; /* indices sorted by tid */
    /* Numbered operations (order.c). */
    uint64_t last_op_done;
    /* Statistics. */
    uint64_t (*faults)[FAULT_KIND_COUNT]; /* by CPU */
    struct vm_counters vm;
    struct gather_counters gathers;
    uint64_t implicit_pages;
    uint64_t order_broken;
    /* Where threads come from, and who hears of each. */
    const struct mmusim_source *source;
    void (*on_thread_begin)(struct thread *thread);
    uint32_t n_away; /* order.is_away */
    /* Tells the machine that a thread's stream ends (exit, exec). */
    void (*on_thread_end)(struct thread *thread);
};

static inline struct os_cpu *kernel_cpu(struct kernel *kernel,
                                        const struct cpu *cpu)
{
    return &kernel->cpus[cpu->id];
}

/* The cycle at which a CPU has something to do besides its thread: the end of
 * the slice, a tick. */
static inline uint64_t os_cpu_next_tick(const struct os_cpu *os)
{
    return min_u64(min_u64(os->slice_end_cycle, os->ksm_tick_cycle),
                   min_u64(os->numa_tick_cycle, os->thp_tick_cycle));
}

/* Is it one of the zero pages, which nobody's reference holds? */
static inline bool kernel_is_zero_page(const struct kernel *kernel, pfn_t pfn)
{
    return pfn.v == kernel->zero_page.v ||
           (kernel->huge_zero_page.v && pfn.v == kernel->huge_zero_page.v);
}

/* Do the tables' levels reach the address? */
static inline bool kernel_is_canonical(const struct kernel *kernel,
                                       uint64_t vaddr)
{
    return pt_is_canonical(kernel->format, vaddr);
}

static inline bool kernel_is_upper(const struct kernel *kernel, uint64_t vaddr)
{
    return pt_is_upper(kernel->format, vaddr);
}

/* G of the kernel's own pages; with page-table isolation on x86 none has it. */
static inline uint32_t kernel_global_right(const struct kernel *kernel)
{
    return kernel->system->swaps_cr3 ? 0 : TLB_GLOBAL;
}

/* Of the smallest page. */
static inline uint64_t kernel_page_bytes(const struct kernel *kernel)
{
    return UINT64_C(1) << (BASE_PAGE_SHIFT + kernel->format->granule_order);
}

/* The address space whose tables map an address for a thread. */
static inline struct mm *
kernel_mm_of(struct kernel *kernel, const struct thread *thread, uint64_t vaddr)
{
    return thread->mm && !kernel_is_upper(kernel, vaddr) ? thread->mm
                                                         : &kernel->init_mm;
}

#endif
