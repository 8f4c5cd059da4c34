/* SPDX-License-Identifier: MIT */
/*
 * The bugs of the corpus that random programs can run into: what the checker
 * may say of each, and how to repair one of them alone, which tells whether a
 * violation is its work: then it is gone.
 */
#ifndef MMUSIM_TESTS_SUPPORT_KNOWN_BUGS_H
#define MMUSIM_TESTS_SUPPORT_KNOWN_BUGS_H

#include "coherence/mm_rules.h"
#include "machine/machine.h"

enum { KNOWN_BUGS_MAX = 32 };

struct known_bug {
    const char *name;  /* "B01" */
    uint32_t verdicts; /* 1 << enum checker_verdict, or-ed */
    bool has_rule;     /* of generic memory management: */
    size_t rule;       /* the bool of struct mm_rules that repairs it */
};

/* NULL past the end. */
const struct known_bug *known_bug_at(size_t index);
/* Does a protocol's row list it, and not repair it? */
bool known_bug_is_of(const struct known_bug *bug,
                     const struct protocol_ops *protocol);
/* The verdicts that a row's list explains. */
uint32_t known_bugs_explain(const struct protocol_ops *protocol);

/* A protocol but for one of its bugs; without a rule of its own: but for all
 * that are the architecture's. */
struct repaired_protocol {
    const struct protocol_ops *base; /* to build the machine with */
    struct protocol_ops ops;
    struct mm_rules rules;
};

void known_bug_repair(const struct known_bug *bug,
                      const struct protocol_ops *protocol,
                      struct repaired_protocol *repaired);
/* Before the machine runs; repaired outlives it. */
void repaired_install(const struct repaired_protocol *repaired,
                      struct mmusim_machine *machine);

#endif
