/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Embedding: the translation hardware of a machine, driven by a host simulator
 * out of its own loop and clock.
 *
 * The host calls translate, invalidate, switch address space and advance; it
 * gets back the physical address, the cycle at which it is there, where it was
 * found, or the fault. Page tables are mmusim's own (space, map, unmap) or the
 * host's (mmusim_embed_host_t). No thread of a program runs here: no operating
 * system, no replay, no data caches; docs/embedding.md has the details.
 */
#ifndef MMUSIM_EMBED_H
#define MMUSIM_EMBED_H

#include "mmusim/config.h"
#include "mmusim/stats.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Time: cycles of the host's clock, the machine's clock_ghz. Each call of a
 * core has a `now`, which never goes back for that core, nor behind the last
 * mmusim_embed_advance(); else MMUSIM_USAGE. A call first does what is due
 * until `now` on any core (walks, messages), then its own work. Cores may lag
 * behind each other; then what a core ahead has caused is there too early for
 * one behind.
 *
 * Failure: a call that fails has no result, and diag (NULL is legal) says why.
 * MMUSIM_NOMEM is final: every later call on that handle fails with it.
 * MMUSIM_SYSTEM (a callback failed) is of the call in progress; the next one
 * works. No call may be made from a callback: MMUSIM_USAGE.
 *
 * Threads: a handle belongs to one thread at a time; handles know nothing of
 * each other.
 *
 * Structures that calls fill grow at their end only, into `reserved`, which is
 * 0. Those that the host fills: initialise with {0}.
 */

/** A machine's translation hardware in a host's hands. */
typedef struct mmusim_embed mmusim_embed_t;

/** What an access does. */
typedef enum mmusim_embed_kind {
    MMUSIM_EMBED_LOAD,
    MMUSIM_EMBED_STORE,
    MMUSIM_EMBED_FETCH
} mmusim_embed_kind_t;

/** Where a translation was found. */
typedef enum mmusim_embed_found {
    MMUSIM_EMBED_NOWHERE, /**< no look-up: the address is not canonical */
    MMUSIM_EMBED_L1,      /**< the first-level TLB of its kind */
    MMUSIM_EMBED_L2,      /**< the second level */
    MMUSIM_EMBED_BUFFER,  /**< the prefetch buffer beside the second level */
    MMUSIM_EMBED_L3,      /**< the last level that cores share */
    MMUSIM_EMBED_WALK     /**< a page walk */
} mmusim_embed_found_t;

/** Why an access has no translation. */
typedef enum mmusim_embed_fault {
    MMUSIM_EMBED_NO_FAULT,
    MMUSIM_EMBED_NOT_CANONICAL, /**< the tables do not reach it: x86 #GP */
    MMUSIM_EMBED_ABSENT,        /**< an entry is not present */
    MMUSIM_EMBED_RESERVED,      /**< a reserved bit, an address too large */
    MMUSIM_EMBED_NOT_ACCESSED,  /**< A is clear, and software sets it */
    MMUSIM_EMBED_REFUSED,       /**< the rights do not permit the access */
    MMUSIM_EMBED_NOT_DIRTY      /**< D is clear, and software sets it */
} mmusim_embed_fault_t;

/** What a page permits, or-ed. A page always may be read. */
enum {
    MMUSIM_EMBED_WRITE = 1 << 0,
    MMUSIM_EMBED_EXEC = 1 << 1,
    MMUSIM_EMBED_USER = 1 << 2,  /**< lower half: without it no access */
    MMUSIM_EMBED_GLOBAL = 1 << 3 /**< for every ASID */
};

/**
 * The host's side. All callbacks are called from inside the call that needs
 * them, on its thread. A return of 0 is success; anything else makes the call
 * in progress fail with MMUSIM_SYSTEM, its number in diag.
 */
typedef struct mmusim_embed_host {
    void *context; /**< first argument of every callback; borrowed */
    /**
     * Reads a page-table entry of 4 or 8 bytes at a physical address (a
     * multiple of bytes; any below 2^52: a table may name frames that do not
     * exist, which the callback refuses). NULL: mmusim keeps the tables, and
     * write_pte must be NULL, too. A word larger than bytes is a failure.
     */
    int (*read_pte)(void *context, uint64_t paddr, uint32_t bytes,
                    uint64_t *word);
    /** Stores an entry whose accessed or dirty state a walk has set. NULL: the
     * host sets them itself; walks then take the time and store nothing. */
    int (*write_pte)(void *context, uint64_t paddr, uint32_t bytes,
                     uint64_t word);
    /** How long a walk's read of an entry takes, at most 2^31 cycles. NULL:
     * the configuration's memory.* */
    int (*read_cycles)(void *context, uint32_t core, uint64_t paddr,
                       uint64_t now, uint64_t *cycles);
} mmusim_embed_host_t;

/**
 * Builds the hardware of a machine. Both arguments are copied; host may be
 * NULL. *embed is the caller's, for mmusim_embed_destroy(), NULL on failure.
 * @returns MMUSIM_OK; MMUSIM_CONFIG (the key is in diag);
 *   MMUSIM_UNSUPPORTED: virt.enabled, virt.preempt_period; MMUSIM_USAGE:
 *   write_pte without read_pte; MMUSIM_NOMEM.
 */
MMUSIM_API mmusim_status_t mmusim_embed_create(const mmusim_config_t *config,
                                               const mmusim_embed_host_t *host,
                                               mmusim_embed_t **embed,
                                               mmusim_diag_t *diag);

/** NULL is legal. Walks and messages on their way are dropped. */
MMUSIM_API void mmusim_embed_destroy(mmusim_embed_t *embed);

/** Logical CPUs; cores are numbered from 0, first thread of every core first.
 */
MMUSIM_API uint32_t mmusim_embed_cores(const mmusim_embed_t *embed);

/* ---- mmusim's own page tables ---- */

/** The space of the upper half, which all spaces share; there from the
 * start. Loaded with another space. */
#define MMUSIM_EMBED_KERNEL 0u

/**
 * A new, empty address space, numbered from 1, there until the end. Its tables
 * lie in frames of the machine's simulated memory (os.memory); the frames that
 * the host maps are the host's to choose.
 * @returns MMUSIM_OK; MMUSIM_USAGE: the host keeps the tables;
 *   MMUSIM_EXHAUSTED: no frame left; MMUSIM_NOMEM.
 */
MMUSIM_API mmusim_status_t mmusim_embed_space_create(mmusim_embed_t *embed,
                                                     uint32_t *space,
                                                     mmusim_diag_t *diag);

/** A page to be mapped. */
typedef struct mmusim_embed_page {
    uint32_t space;      /**< whose; MMUSIM_EMBED_KERNEL for the upper half */
    uint64_t vaddr;      /**< a multiple of page_bytes */
    uint64_t paddr;      /**< likewise; within the format's physical bits */
    uint64_t page_bytes; /**< a size that the format has leaves of */
    uint32_t rights;     /**< MMUSIM_EMBED_WRITE and so on */
} mmusim_embed_page_t;

/**
 * Maps a page, in no time: accessed, not dirty. No TLB takes notice.
 * @returns MMUSIM_OK; MMUSIM_USAGE: no such space, an address that is not
 *   aligned, too large or of the other half, a size that the format lacks, or
 *   something is mapped there; MMUSIM_EXHAUSTED; MMUSIM_NOMEM.
 */
MMUSIM_API mmusim_status_t mmusim_embed_map(mmusim_embed_t *embed,
                                            const mmusim_embed_page_t *page,
                                            mmusim_diag_t *diag);

/**
 * Clears the leaf that maps vaddr. TLBs keep what they have: invalidating is
 * the host's duty.
 * @returns MMUSIM_OK; MMUSIM_USAGE: nothing is mapped there.
 */
MMUSIM_API mmusim_status_t mmusim_embed_unmap(mmusim_embed_t *embed,
                                              uint32_t space, uint64_t vaddr,
                                              mmusim_diag_t *diag);

/** Changes the rights of the page that maps page->vaddr (paddr and page_bytes
 * are not looked at); dirty if it was and may still be written. Errors as
 * mmusim_embed_unmap(). */
MMUSIM_API mmusim_status_t mmusim_embed_protect(mmusim_embed_t *embed,
                                                const mmusim_embed_page_t *page,
                                                mmusim_diag_t *diag);

/* ---- address spaces on cores ---- */

/** What to load: x86 MOV CR3 with CR4.PCIDE set; Arm TTBR0; RISC-V satp. */
typedef struct mmusim_embed_context {
    uint32_t core;
    uint64_t now;
    uint32_t space;       /**< own tables: which space */
    uint64_t root;        /**< host's tables: address of the lower half's */
    uint64_t kernel_root; /**< of the upper half's; 0: root */
    uint16_t asid; /**< ASID or PCID, within what the machine has (i386: 0) */
    /** x86: CR3 bit 63, nothing is dropped (Intel SDM vol. 3A 4.10.4.1). Other
     * architectures never drop anything at a switch. */
    bool keeps_entries;
} mmusim_embed_context_t;

/**
 * Loads an address space. *done_cycle (NULL is legal): now and the cost of the
 * instruction (cost.cr3_write, cost.cr3_noflush, cost.ttbr_write,
 * cost.satp_write).
 * @returns MMUSIM_OK; MMUSIM_USAGE: no such core, space or ASID; a root that
 *   is not a multiple of 4096 or not below 2^52; now goes back.
 */
MMUSIM_API mmusim_status_t mmusim_embed_switch(mmusim_embed_t *embed,
                                               const mmusim_embed_context_t *to,
                                               uint64_t *done_cycle,
                                               mmusim_diag_t *diag);

/* ---- translation ---- */

/** An access within one page. Addresses of the upper half are the supervisor's,
 * those of the lower half the user's; 32-bit ones all are the user's. */
typedef struct mmusim_embed_access {
    uint32_t core;
    uint64_t now;
    uint64_t vaddr;
    mmusim_embed_kind_t kind;
    uint64_t tag; /**< the host's own; comes back with the result */
} mmusim_embed_access_t;

/** What became of an access. */
typedef struct mmusim_embed_translation {
    mmusim_embed_fault_t fault; /**< if there is one, paddr and page_bytes are 0
                                 */
    mmusim_embed_found_t found; /**< of a fault: what refused the access */
    uint64_t paddr;             /**< of vaddr itself */
    uint64_t page_bytes;        /**< that the TLB entry covers, which may be a
                                     fragment of the page, or several */
    uint64_t ready_cycle;       /**< first cycle at which this is known */
    uint32_t fault_level;       /**< of the entry, 0 = smallest pages; walks */
    uint32_t core;
    uint64_t tag;
    uint64_t reserved[4]; /**< 0 */
} mmusim_embed_translation_t;

/**
 * Translates at once: a walk is run to its end, also the walks and messages of
 * other cores that come before, and its effects are there when the call
 * returns. For hosts that add latencies (Sniper, zsim); one that overlaps
 * misses uses submit.
 * A fault on x86 drops the address's own entries (Intel SDM vol. 3A 4.10.4.1).
 * @returns MMUSIM_OK, also if the access faults; MMUSIM_USAGE: no such core or
 *   kind, or now goes back; MMUSIM_SYSTEM: a callback failed, or the tables do
 *   not settle; MMUSIM_UNSUPPORTED: the L1 TLB has no array for the page's
 *   size; MMUSIM_NOMEM.
 */
MMUSIM_API mmusim_status_t mmusim_embed_translate(
    mmusim_embed_t *embed, const mmusim_embed_access_t *access,
    mmusim_embed_translation_t *translation, mmusim_diag_t *diag);

/** How many accesses of a core may be on their way. */
#define MMUSIM_EMBED_MAX_PENDING 64u

/**
 * The same without waiting: the TLBs are looked up now, walks go on as time
 * advances. The result comes by mmusim_embed_poll(), hits at once. For
 * event-driven hosts (gem5, SST).
 * @returns as translate; what a walk runs into comes from poll;
 *   MMUSIM_EXHAUSTED: MMUSIM_EMBED_MAX_PENDING are on their way or not polled.
 */
MMUSIM_API mmusim_status_t
mmusim_embed_submit(mmusim_embed_t *embed, const mmusim_embed_access_t *access,
                    mmusim_diag_t *diag);

/**
 * The next result of a submitted access, in the order in which they were
 * known. *has_result is false if there is none.
 * @returns MMUSIM_OK; as translate for an access that failed (core and tag of
 *   *translation are set, *has_result is true).
 */
MMUSIM_API mmusim_status_t
mmusim_embed_poll(mmusim_embed_t *embed, bool *has_result,
                  mmusim_embed_translation_t *translation, mmusim_diag_t *diag);

/** Does everything due at or before a cycle. No call may be earlier then.
 * @returns MMUSIM_OK; MMUSIM_USAGE: before the last advance; MMUSIM_NOMEM. */
MMUSIM_API mmusim_status_t mmusim_embed_advance(mmusim_embed_t *embed,
                                                uint64_t now,
                                                mmusim_diag_t *diag);

/** The cycle at which something is due next, UINT64_MAX: never. */
MMUSIM_API uint64_t mmusim_embed_next_cycle(const mmusim_embed_t *embed);

/* ---- invalidation ---- */

/** Whether to wait for the others: Arm DSB (of the instruction's own domain),
 * AMD TLBSYNC. */
typedef enum mmusim_embed_sync {
    MMUSIM_EMBED_NO_SYNC,
    MMUSIM_EMBED_SYNC
} mmusim_embed_sync_t;

/** An instruction of docs/invalidate-instructions.md. */
typedef struct mmusim_embed_instruction {
    uint32_t core;
    uint64_t now;
    const char *name; /**< "INVLPG", "INVPCID", "VAE1IS" (Arm: without TLBI),
                           "SFENCE.VMA"; letters of either case */
    /** Operand registers, as that page says: INVLPG [0] address; INVPCID [0]
     * type, [1] [2] descriptor; TLBI [0] Xt; SFENCE.VMA [0] rs1, [1] rs2. */
    uint64_t reg[5];
    bool is_x0[2]; /**< RISC-V: rs1, rs2 is the register x0 */
    mmusim_embed_sync_t sync;
} mmusim_embed_instruction_t;

/** How an instruction ended. */
typedef enum mmusim_embed_outcome {
    MMUSIM_EMBED_LEGAL,     /**< perhaps without effect */
    MMUSIM_EMBED_UNDEFINED, /**< #UD, UNDEFINED, illegal instruction */
    MMUSIM_EMBED_PROTECTED, /**< #GP(0) */
    MMUSIM_EMBED_REJECTED,  /**< VMfail and the like */
    MMUSIM_EMBED_TRAPPED    /**< to a hypervisor */
} mmusim_embed_outcome_t;

/** What an instruction did. */
typedef struct mmusim_embed_effect {
    mmusim_embed_outcome_t outcome;
    const char *why;      /**< constant text, or NULL: it did what it should */
    uint64_t done_cycle;  /**< the issuer goes on; with sync: all have acted */
    uint64_t reserved[4]; /**< 0 */
} mmusim_embed_effect_t;

/**
 * Executes an instruction in kernel mode: on the core's own TLBs,
 * paging-structure caches and walks at once; forms that broadcast reach the
 * others by messages with the fabric's times (dvm.*, invlpgb.*). Runs until
 * done_cycle; messages that nobody waits for arrive as time advances. A core
 * sends at `now`, or right after the last message that has arrived anywhere.
 * @returns MMUSIM_OK, whatever the outcome; MMUSIM_USAGE: no such core or
 *   name, or now goes back; MMUSIM_UNSUPPORTED: forms that firmware or memory
 *   carries (SBI fences, RAR): use mmusim_embed_shootdown(); MMUSIM_NOMEM.
 */
MMUSIM_API mmusim_status_t mmusim_embed_invalidate(
    mmusim_embed_t *embed, const mmusim_embed_instruction_t *instruction,
    mmusim_embed_effect_t *effect, mmusim_diag_t *diag);

/** A flush of several cores. */
typedef struct mmusim_embed_flush {
    uint32_t core; /**< that sends */
    uint64_t now;
    const uint32_t *cores; /**< to be reached; the sender among them or not */
    uint32_t n_cores;
    uint64_t vaddr; /**< a multiple of 4096 */
    uint64_t bytes; /**< likewise; 0: everything but global entries */
} mmusim_embed_flush_t;

/**
 * Flushes the sender, then, over the machine's fabric, the others: interrupts
 * with all their costs (ipi.*), or the hardware's broadcast, which reaches
 * every core. Runs until the last acknowledgement, at *done_cycle (NULL is
 * legal). What the receivers lose is mmusim_embed_stolen_cycles().
 * @returns MMUSIM_OK; MMUSIM_USAGE: no such core, addresses not aligned, or
 *   now goes back; MMUSIM_NOMEM.
 */
MMUSIM_API mmusim_status_t mmusim_embed_shootdown(
    mmusim_embed_t *embed, const mmusim_embed_flush_t *shootdown,
    uint64_t *done_cycle, mmusim_diag_t *diag);

/** Cycles that received requests have taken from a core so far: interrupt
 * handlers, broadcast slots. 0 for a core that does not exist. */
MMUSIM_API uint64_t mmusim_embed_stolen_cycles(const mmusim_embed_t *embed,
                                               uint32_t core);

/**
 * The statistics so far, as of a run: mmusim-stats(7). What only an operating
 * system or a program would count is 0; a core's time that is not spent on
 * shootdowns is coreN.cycles.idle. The caller destroys *stats.
 * @returns MMUSIM_OK; MMUSIM_NOMEM.
 */
MMUSIM_API mmusim_status_t mmusim_embed_stats(mmusim_embed_t *embed,
                                              mmusim_stats_t **stats);

#ifdef __cplusplus
}
#endif
#endif
