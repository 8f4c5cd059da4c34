/* SPDX-License-Identifier: MIT */
/*
 * Decoded operations: what a source (trace, text, generator) hands to the
 * machine. An access is 16 bytes; everything rarer is a SYS record that points
 * into the piece's array of sys_op.
 *
 * Invariants a source keeps: vaddr is canonical for 57 bits and
 * vaddr + bytes - 1 does not wrap; bytes >= 1 for FETCH, LOAD and STORE;
 * lengths in a sys_op are not 0 where the operation has one.
 */
#ifndef MMUSIM_CORE_OP_H
#define MMUSIM_CORE_OP_H

#include "core/types.h"

enum op_kind {
    OP_FETCH, /* count instructions in bytes bytes from vaddr */
    OP_LOAD,  /* count = 1 if it stands for an instruction of its own: a
                 thread that has had no FETCH yet; else 0 */
    OP_STORE, /* as OP_LOAD */
    OP_NOMEM, /* count instructions that touch no memory */
    OP_SYS,   /* count = index into op_piece.sys */
};

enum {
    /* The address depends on the value of the preceding load: the core
     * cannot overlap this access with it (pointer chase). */
    OP_FLAG_DEPENDENT = 1 << 0,
    OP_MAX_BYTES = (1 << 24) - 1,
};

struct op_record {
    uint64_t vaddr;
    uint32_t count;
    uint32_t meta; /* kind in bits 3:0, flags in 7:4, bytes in 31:8 */
};

static inline enum op_kind op_kind_of(const struct op_record *op)
{
    return (enum op_kind)(op->meta & 0xf);
}

static inline uint32_t op_flags_of(const struct op_record *op)
{
    return (op->meta >> 4) & 0xf;
}

static inline uint32_t op_bytes_of(const struct op_record *op)
{
    return op->meta >> 8;
}

static inline uint32_t op_meta(enum op_kind kind, uint32_t flags,
                               uint32_t bytes)
{
    return (uint32_t) kind | flags << 4 | bytes << 8;
}

/*
 * Rare operations: enum suffix, word in text traces. SYSCALL is a system call
 * that changes no mapping (a futex wake, a failed munmap): it costs entry and
 * exit, and its existence keeps the numbering of order stamps without gaps. DMA
 * has a device read or write a range of the process, and waits for it.
 * CLEARREFS is a write of 4 to the process's /proc/PID/clear_refs.
 *
 * IMAGE and SITE change nothing and cost nothing; they are for who asks where
 * misses come from. IMAGE tells of a mapping that exists already: a file's,
 * with the first bytes of its build id, or a name such as "[stack]". A SITE is
 * a return address of the system call that follows, the innermost first.
 */
#define SYS_KIND_MAP(X)                                                        \
    X(MMAP, "mmap")                                                            \
    X(MUNMAP, "munmap")                                                        \
    X(MPROTECT, "mprotect")                                                    \
    X(MREMAP, "mremap")                                                        \
    X(BRK, "brk")                                                              \
    X(MADVISE, "madvise")                                                      \
    X(FORK, "fork")                                                            \
    X(CLONE, "clone")                                                          \
    X(EXEC, "exec")                                                            \
    X(EXIT, "exit")                                                            \
    X(ON, "on")                                                                \
    X(IDLE, "idle")                                                            \
    X(KTHREAD, "kthread")                                                      \
    X(MIGRATE, "migrate")                                                      \
    X(RECLAIM, "reclaim")                                                      \
    X(MARK, "mark")                                                            \
    X(SYNC, "sync")                                                            \
    X(SYSCALL, "syscall")                                                      \
    X(DMA, "dma")                                                              \
    X(IMAGE, "image")                                                          \
    X(SITE, "site")                                                            \
    X(CLEARREFS, "clearrefs")

enum sys_kind {
#define SYS_KIND_ENUM(name, word) SYS_##name,
    SYS_KIND_MAP(SYS_KIND_ENUM)
#undef SYS_KIND_ENUM
        SYS_KIND_COUNT
};

enum {
    SYS_PROT_READ = 1 << 0,
    SYS_PROT_WRITE = 1 << 1,
    SYS_PROT_EXEC = 1 << 2,
    SYS_MAP_SHARED = 1 << 3,
    SYS_MAP_FILE = 1 << 4, /* sys_op.name and file_offset hold the file */
    /* IMAGE: the trace's fetches end at each instruction that touches memory,
     * so that the last one before an access is the one that made it. */
    SYS_IMAGE_LINES = 1 << 5,
};

#define MADVICE_MAP(X)                                                         \
    X(DONTNEED, "dontneed")                                                    \
    X(FREE, "free")                                                            \
    X(HUGEPAGE, "hugepage")                                                    \
    X(NOHUGEPAGE, "nohugepage")                                                \
    X(COLD, "cold")                                                            \
    X(PAGEOUT, "pageout")                                                      \
    X(WILLNEED, "willneed")                                                    \
    X(MERGEABLE, "mergeable")                                                  \
    X(UNMERGEABLE, "unmergeable")

enum madvice {
#define MADVICE_ENUM(name, word) MADVICE_##name,
    MADVICE_MAP(MADVICE_ENUM)
#undef MADVICE_ENUM
        MADVICE_COUNT
};

/* Fields that a kind does not use are 0. */
struct sys_op {
    enum sys_kind kind;
    uint32_t flags;        /* SYS_PROT_*, SYS_MAP_*; DMA: _WRITE or 0 */
    uint32_t advice;       /* MADVISE: enum madvice */
    uint32_t huge_order;   /* MMAP huge=: PAGE_ORDER_2M, PAGE_ORDER_1G or 0 */
    uint64_t vaddr;        /* BRK: the new break; MREMAP: the old address */
    uint64_t length_bytes; /* MREMAP: the old length */
    uint64_t new_vaddr;    /* MREMAP */
    uint64_t new_length_bytes; /* MREMAP */
    uint64_t number;           /* FORK, CLONE: child tid; ON: cpu; IDLE: ns;
                                  SYNC: operation number; IMAGE: the first 8
                                  bytes of the file's build id, as a big-endian
                                  number; 0: unknown */
    uint64_t file_offset;      /* MMAP, IMAGE of a file */
    const char *name;          /* MMAP file:NAME, MARK NAME, IMAGE, else NULL;
                                  lives as long as the piece */
    /* Position in the piece, for looking ahead (op_piece). */
    uint32_t record_index;
    uint64_t instructions_before;
};

#endif
