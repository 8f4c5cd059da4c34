/* SPDX-License-Identifier: MIT */
/*
 * The small machine that a scenario runs on: memory of cells, and for each CPU
 * a store buffer, a TLB, cached upper entries, interrupts and a stack of
 * procedures. A world is plain data without pointers and without counters that
 * grow, so that exploring can copy, compare and hash it: what the checker must
 * know of the past is kept as marks on the cached entries.
 *
 * Marks of an entry. open: what a later change of the page tables took away
 * from it. covered[c]: of these, what was open when the flush that CPU c is
 * making began. closed: what a finished flush or a returned operation has
 * promised to be gone. Using what is closed is a violation.
 *
 * Left out: loads are performed in program order; entries are never replaced
 * for want of room (an entry that goes away by itself hides bugs, and shows
 * none).
 */
#ifndef MMUSIM_SCENARIO_SCENARIO_WORLD_H
#define MMUSIM_SCENARIO_SCENARIO_WORLD_H

#include "scenario/scenario_program.h"

enum {
    SCENARIO_BUFFER = 8,     /* stores */
    SCENARIO_TLB = 10,       /* entries */
    SCENARIO_WALK_CACHE = 6, /* entries */
    SCENARIO_BROADCASTS = 4, /* of one CPU on their way */
    SCENARIO_FRAMES = 12,    /* nested procedures */
};

/* What a change took from a cached entry. */
enum scenario_loss {
    LOSS_REMAP = 1, /* no longer there, or another page, or another size */
    LOSS_WRITE = 2,
    LOSS_CLEAN = 4, /* the dirty flag was cleared */
    LOSS_EXEC = 8,
    LOSS_ALL = 15,
    LOSS_ANY_USE = 32, /* closed only: nobody may use the entry any more */
    LOSS_TAKEN = 16, /* closed only: the content was taken while it was open */
};

struct scenario_marks {
    uint8_t open, closed;
    uint8_t covered[SCENARIO_CPUS];
};

struct scenario_store {
    int32_t value;
    uint16_t cell;
    uint8_t epoch;  /* of barriers between stores: lower ones go first */
    uint8_t closed; /* what the change closes as it becomes visible */
    uint8_t is_covered, is_release;
    uint8_t padding[2];
};

struct scenario_entry {
    int32_t word;
    uint16_t cell, upper_cell; /* cell: the word it came from */
    uint8_t is_valid, is_gone; /* the page was freed meanwhile */
    uint8_t address, mm, asid, region;
    struct scenario_marks marks;
};

/* An upper entry in a walk cache. */
struct scenario_upper {
    uint16_t cell;
    uint8_t is_valid, is_gone; /* the table was freed meanwhile */
    uint8_t region, mm, asid, table;
    struct scenario_marks marks;
};

struct scenario_broadcast {
    int32_t address, asid, n_pages;
    uint8_t builtin, to; /* 0: none; CPUs it has to reach */
    uint8_t padding[2];
};

struct scenario_frame {
    int32_t registers[SCENARIO_REGISTERS];
    uint16_t pc;
    uint8_t result;      /* the caller's register; 255: none */
    int8_t interrupt_of; /* an interrupt handler's frame: sender; else -1 */
    uint8_t had_irq_off, padding[3];
};

struct scenario_call {
    int32_t args[SCENARIO_ARGUMENTS];
    uint8_t proc, is_pending;
    uint8_t padding[2];
};

struct scenario_cpu {
    struct scenario_frame frames[SCENARIO_FRAMES];
    struct scenario_store buffer[SCENARIO_BUFFER];
    struct scenario_entry tlb[SCENARIO_TLB];
    struct scenario_upper walk_cache[SCENARIO_WALK_CACHE];
    struct scenario_broadcast broadcasts[SCENARIO_BROADCASTS];
    struct scenario_call calls[SCENARIO_CPUS]; /* by sender */
    int32_t flush_mm, flush_address;
    uint8_t n_frames, n_stores, epoch, is_done;
    uint8_t irq_off, root, asid, awaits; /* CPUs that have not acknowledged */
    uint8_t is_flushing, software_table, software_gone, padding;
};

struct scenario_world {
    struct scenario_cpu cpus[SCENARIO_CPUS];
    int32_t cells[SCENARIO_CELLS];
    int32_t data[SCENARIO_PAGES];
    uint8_t page_is_free[SCENARIO_PAGES];
    uint8_t table_is_free[SCENARIO_TABLES];
};

/* Where a word points; any number is made one that exists. */
static inline uint32_t scenario_table_of(int32_t word)
{
    return (uint32_t) word >> WORD_SHIFT & (SCENARIO_TABLES - 1);
}

static inline uint32_t scenario_page_of(int32_t word)
{
    return (uint32_t) word >> WORD_SHIFT & (SCENARIO_PAGES - 1);
}

/* What a run says; the text is empty unless it is being traced. */
struct scenario_note {
    char text[160];
};

/* A run: the world and what is not part of its state. */
struct scenario_witness;

struct scenario_run {
    const struct scenario_program *program;
    struct scenario_witness *witness; /* NULL: none is asked */
    struct scenario_world world;
    enum scenario_verdict verdict;
    char why[600];    /* of the verdict */
    bool is_by_check; /* the scenario's own `check` said so */
    bool is_traced;   /* fill note and why */
    bool stops;       /* at the ends of lines and at labels */
    int32_t label[SCENARIO_CPUS];
    bool is_at_label[SCENARIO_CPUS];
    struct scenario_note note; /* of the last move */
    uint32_t line;             /* flat, of the last move; 0: none */
    uint32_t n_allowed_stale;
    /* the scenario itself is wrong: an index out of range, a loop that never
     * ends; then error_text says so */
    bool has_error;
    char error_text[200];
    uint32_t error_line;
};

/* scenario_world.c: the initial state; text of the trace. */
void mmusim__scenario_reset(struct scenario_run *run);
void mmusim__scenario_note(struct scenario_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void mmusim__scenario_error(struct scenario_run *run, uint32_t line,
                            const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* scenario_memory.c: stores and loads. */
int32_t mmusim__scenario_load(const struct scenario_run *run, uint32_t cpu,
                              uint32_t cell);
/* A plain store; the buffer has room. */
void mmusim__scenario_store(struct scenario_run *run, uint32_t cpu,
                            uint32_t cell, int32_t value, bool is_release);
/* A store that is visible at once (private variables, atomics, setup). */
void mmusim__scenario_write(struct scenario_run *run, uint32_t cell,
                            int32_t value);
bool mmusim__scenario_may_drain(const struct scenario_run *run, uint32_t cpu,
                                uint32_t index);
void mmusim__scenario_drain(struct scenario_run *run, uint32_t cpu,
                            uint32_t index);

/* scenario_mmu.c: walks, accesses, invalidations. */
enum scenario_access { ACCESS_READS, ACCESS_WRITES, ACCESS_EXECUTES };
bool mmusim__scenario_access(struct scenario_run *run, uint32_t cpu,
                             int32_t address, enum scenario_access access,
                             int32_t *data);
/* Would a fill change the TLB? */
bool mmusim__scenario_may_fill(const struct scenario_run *run, uint32_t cpu,
                               uint32_t address);
void mmusim__scenario_fill(struct scenario_run *run, uint32_t cpu,
                           uint32_t address);

/* scenario_inval.c */
struct scenario_inval {
    enum { SCOPE_PAGES, SCOPE_ASID, SCOPE_EVERY } scope;
    enum { WALKS_KEPT, WALKS_PAGES, WALKS_ASID, WALKS_ALL } walks;
    bool any_asid, spares_globals;
    int32_t address, n_pages, asid;
    int32_t level; /* of leaves, 2 or 3; 0: all */
};

void mmusim__scenario_invalidate(struct scenario_run *run, uint32_t cpu,
                                 const struct scenario_inval *inval);

/* scenario_judge.c: marks and verdicts. */
void mmusim__scenario_changed(struct scenario_run *run, uint32_t cell,
                              int32_t value, const struct scenario_store *store,
                              uint32_t writer);
void mmusim__scenario_flush_begin(struct scenario_run *run, uint32_t cpu,
                                  int32_t mm, int32_t address);
void mmusim__scenario_flush_done(struct scenario_run *run, uint32_t cpu);
void mmusim__scenario_promise(struct scenario_run *run, uint32_t cpu,
                              int32_t mm, int32_t address, uint32_t losses);
void mmusim__scenario_page_freed(struct scenario_run *run, uint32_t page);
/* Its content counts from now on. */
void mmusim__scenario_page_taken(struct scenario_run *run, uint32_t page);
void mmusim__scenario_table_freed(struct scenario_run *run, uint32_t table);
void mmusim__scenario_judge_use(struct scenario_run *run, uint32_t cpu,
                                const struct scenario_entry *entry,
                                enum scenario_access access);
void mmusim__scenario_judge_walk(struct scenario_run *run, uint32_t cpu,
                                 const struct scenario_upper *upper,
                                 uint32_t address);
void mmusim__scenario_violation(struct scenario_run *run,
                                enum scenario_verdict verdict,
                                const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* scenario_compute.c: an instruction that only computes, or one of a builtin;
 * pc has moved past it. */
void mmusim__scenario_compute(struct scenario_run *run, uint32_t cpu,
                              const struct scenario_inst *inst,
                              int32_t *registers, uint16_t *pc);

/* A cell that an earlier instruction computed; after an error, cell 0. */
static inline uint32_t scenario_cell_in(const int32_t *registers,
                                        uint32_t index)
{
    int32_t cell = registers[index];

    return cell < 0 || cell >= SCENARIO_CELLS ? 0 : (uint32_t) cell;
}

/* scenario_cpu.c: code. */
/* Goes on with what is no step until the next step; is_done at the end. */
void mmusim__scenario_advance(struct scenario_run *run, uint32_t cpu);
bool mmusim__scenario_may_step(struct scenario_run *run, uint32_t cpu);
void mmusim__scenario_step(struct scenario_run *run, uint32_t cpu);
void mmusim__scenario_take_ipi(struct scenario_run *run, uint32_t cpu,
                               uint32_t sender);
/* The flat line of the CPU's next step; 0: it has ended. */
uint32_t mmusim__scenario_line_of(const struct scenario_run *run, uint32_t cpu);

/* scenario_effects.c: the builtins that are instructions or declarations. */
bool mmusim__scenario_builtin_may(const struct scenario_run *run, uint32_t cpu,
                                  uint32_t builtin);
int32_t mmusim__scenario_builtin_do(struct scenario_run *run, uint32_t cpu,
                                    uint32_t builtin, const int32_t *args,
                                    uint32_t n_args, uint32_t line);
void mmusim__scenario_arrive(struct scenario_run *run, uint32_t cpu,
                             uint32_t issuer, uint32_t index);

/* scenario_moves.c */
enum { SCENARIO_MOVES = 160 };
/* What may happen next. */
uint32_t mmusim__scenario_moves(struct scenario_run *run,
                                struct scenario_move *moves);
/* false: it cannot happen now. */
bool mmusim__scenario_do(struct scenario_run *run,
                         const struct scenario_move *move);
bool mmusim__scenario_is_over(const struct scenario_run *run);

/* scenario_text.c: values and cells as the scenario names them. */
struct scenario_text {
    char text[96];
};
struct scenario_text
mmusim__scenario_value(const struct scenario_program *program,
                       enum scenario_type type, int32_t value);
struct scenario_text
mmusim__scenario_cell(const struct scenario_program *program, uint32_t cell);
struct scenario_text
mmusim__scenario_cell_value(const struct scenario_program *program,
                            uint32_t cell, int32_t value);

#endif
