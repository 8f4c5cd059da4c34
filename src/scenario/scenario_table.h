/* SPDX-License-Identifier: MIT */
/* A run for people: the table of its moves and why it failed; and as a file
 * that does it again. */
#ifndef MMUSIM_SCENARIO_SCENARIO_TABLE_H
#define MMUSIM_SCENARIO_SCENARIO_TABLE_H

#include "scenario/scenario_run.h"

/* Text that grows; is_short: memory was not enough. */
struct scenario_paper {
    char *text;
    size_t length, capacity;
    bool is_short;
};

void mmusim__scenario_print(struct scenario_paper *paper, const char *format,
                            ...) __attribute__((format(printf, 2, 3)));
void mmusim__scenario_paper_fini(struct scenario_paper *paper);

void mmusim__scenario_print_verdict(struct scenario_paper *paper,
                                    enum scenario_verdict verdict,
                                    const char *why);
void mmusim__scenario_print_table(struct scenario_paper *paper,
                                  const struct scenario_program *program,
                                  const struct scenario_history *history);
void mmusim__scenario_print_replay(struct scenario_paper *paper,
                                   const struct scenario_program *program,
                                   const struct scenario_history *history,
                                   enum scenario_verdict verdict);

#endif
