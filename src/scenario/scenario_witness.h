/* SPDX-License-Identifier: MIT */
/*
 * Tells the checker of the simulator (coherence/checker.h) what happens in a
 * scenario that is run for people. It judges by versions and stamps, the marks
 * of scenario_judge.c by what each entry has lost: two ways to one verdict.
 */
#ifndef MMUSIM_SCENARIO_SCENARIO_WITNESS_H
#define MMUSIM_SCENARIO_SCENARIO_WITNESS_H

#include "scenario/scenario_world.h"

enum { WITNESS_STAMPS = 64 };

/* When an entry of a CPU was read from memory: the TLB's by cell and ASID, the
 * walk cache's likewise. */
struct witness_stamp {
    uint64_t stamp;
    uint32_t cell, asid;
};

struct scenario_witness {
    struct checker *checker;
    uint64_t cycle; /* moves */
    struct witness_stamp stamps[SCENARIO_CPUS][WITNESS_STAMPS];
    uint32_t n_stamps[SCENARIO_CPUS];
    uint64_t flush[SCENARIO_CPUS]; /* being made */
    uint64_t software_stamp[SCENARIO_CPUS];
    uint32_t software_mm[SCENARIO_CPUS];
    /* stores that a flush covers but that became visible after its begin */
    uint32_t late[SCENARIO_CPUS][SCENARIO_BUFFER];
    uint32_t n_late[SCENARIO_CPUS];
};

mmusim_status_t mmusim__scenario_witness_init(struct scenario_witness *witness,
                                              uint32_t n_cpus);
void mmusim__scenario_witness_fini(struct scenario_witness *witness);
/* Its cycles are the moves since; call it where the setup ends. */
void mmusim__scenario_witness_begin(struct scenario_witness *witness);
/* VERDICT_CLEAN: no violation so far. */
enum scenario_verdict
mmusim__scenario_witness_verdict(const struct scenario_witness *witness);
/* The first violation with its histories; NULL: none. */
const char *
mmusim__scenario_witness_text(const struct scenario_witness *witness);

/* All do nothing if the run has no witness. */
void mmusim__scenario_saw_write(struct scenario_run *run, uint32_t cell,
                                int32_t value,
                                const struct scenario_store *store,
                                uint32_t writer);
void mmusim__scenario_saw_flush_begin(struct scenario_run *run, uint32_t cpu,
                                      int32_t mm, int32_t address);
void mmusim__scenario_saw_flush_done(struct scenario_run *run, uint32_t cpu);
void mmusim__scenario_saw_promise(struct scenario_run *run, uint32_t cpu,
                                  int32_t mm, int32_t address, uint32_t losses);
void mmusim__scenario_saw_page_freed(struct scenario_run *run, uint32_t page);
void mmusim__scenario_saw_page_taken(struct scenario_run *run, uint32_t page);
void mmusim__scenario_saw_table_freed(struct scenario_run *run, uint32_t table);
void mmusim__scenario_saw_upper(struct scenario_run *run, uint32_t cpu,
                                const struct scenario_upper *upper);
void mmusim__scenario_saw_walk(struct scenario_run *run, uint32_t cpu,
                               const struct scenario_upper *upper,
                               uint32_t address);
void mmusim__scenario_saw_fill(struct scenario_run *run, uint32_t cpu,
                               const struct scenario_entry *entry);
void mmusim__scenario_saw_use(struct scenario_run *run, uint32_t cpu,
                              const struct scenario_entry *entry, uint32_t mm,
                              enum scenario_access access);
/* A second entry of another size has come. */
void mmusim__scenario_saw_overlap(struct scenario_run *run, uint32_t cpu,
                                  const struct scenario_entry *older);
void mmusim__scenario_saw_software_table(struct scenario_run *run, uint32_t cpu,
                                         uint32_t mm);
void mmusim__scenario_saw_software_word(struct scenario_run *run, uint32_t cpu,
                                        uint32_t address);

#endif
