/* SPDX-License-Identifier: MIT */
/* See known_bugs.h. */
#include "support/known_bugs.h"

#include "coherence/checker.h"
#include "coherence/protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BIT(verdict) (UINT32_C(1) << CHECKER_##verdict)
#define STALE                                                                  \
    (BIT(STALE_AFTER_COMPLETE) | BIT(STALE_PERM) | BIT(UAF_PAGE) |             \
     BIT(LOST_DIRTY))
#define RULE(field) .has_rule = true, .rule = offsetof(struct mm_rules, field)

/* The others cannot happen in what these programs do. */
static const struct known_bug known_bugs[] = {
    {"B01", BIT(UAF_PAGE) | BIT(STALE_AFTER_COMPLETE) | BIT(LOST_DIRTY),
     RULE(moves_under_lock)},
    {"B02", STALE, RULE(knows_batched)},
    {"B03", STALE, RULE(batched_has_generations)},
    {"B04", STALE, RULE(rechecks_batched)},
    {"B05", STALE, .has_rule = false},
    {"B06", BIT(STALE_AFTER_COMPLETE) | BIT(LOST_DIRTY),
     RULE(gather_counts_nested)},
    {"B07", STALE, RULE(gather_counts_nested)},
    {"B08", BIT(LOST_DIRTY), RULE(merge_knows_pending)},
    {"B09", STALE, RULE(migrate_knows_pending)},
    {"B11", BIT(LOST_DIRTY), RULE(flushes_dirty_early)},
    {"B12", BIT(LOST_DIRTY), RULE(delays_rmap)},
    {"B13", BIT(UAF_PAGE), RULE(flushes_before_unlink)},
    {"B18", BIT(UAF_TABLE), RULE(frees_tables_late)},
    {"B19", BIT(UAF_TABLE), RULE(frees_tables_late)},
    {"B20", BIT(UAF_TABLE) | BIT(UAF_PAGE), .has_rule = false},
    {"B21", BIT(UAF_TABLE), RULE(knows_joint_tables)},
    {"B25", STALE, .has_rule = false},
    {"B26", STALE, .has_rule = false},
    {"B37", STALE | BIT(UAF_TABLE), .has_rule = false},
    {"B38", STALE, .has_rule = false},
    {"B39", BIT(WRONG_ASID), .has_rule = false},
    {"B41", BIT(STALE_AFTER_COMPLETE) | BIT(UAF_TABLE), .has_rule = false},
    {"B42", STALE | BIT(UAF_TABLE), .has_rule = false},
};

const struct known_bug *known_bug_at(size_t index)
{
    return index < sizeof(known_bugs) / sizeof(*known_bugs) ? &known_bugs[index]
                                                            : NULL;
}

bool known_bug_is_of(const struct known_bug *bug,
                     const struct protocol_ops *protocol)
{
    return protocol->bugs && !protocol->is_fixed &&
           strstr(protocol->bugs, bug->name);
}

uint32_t known_bugs_explain(const struct protocol_ops *protocol)
{
    const struct known_bug *bug;
    uint32_t verdicts = 0;

    for (size_t i = 0; (bug = known_bug_at(i)); i++)
        verdicts |= known_bug_is_of(bug, protocol) ? bug->verdicts : 0;
    return verdicts;
}

static void known_rule_set(struct mm_rules *rules, size_t rule, bool value)
{
    memcpy((char *) rules + rule, &value, sizeof(value));
}

/* The repaired version, with its generic bugs again. */
static void known_bug_repair_rest(const struct protocol_ops *protocol,
                                  struct repaired_protocol *repaired)
{
    const struct known_bug *bug;
    char name[64];

    snprintf(name, sizeof(name), "%s-fixed", protocol->name);
    repaired->base = mmusim__protocol_find(name);
    if (!repaired->base)
        fail_msg("no protocol %s", name);
    repaired->rules = *repaired->base->mm_rules;
    for (size_t i = 0; (bug = known_bug_at(i)); i++) {
        if (bug->has_rule && known_bug_is_of(bug, protocol))
            known_rule_set(&repaired->rules, bug->rule, false);
    }
}

void known_bug_repair(const struct known_bug *bug,
                      const struct protocol_ops *protocol,
                      struct repaired_protocol *repaired)
{
    repaired->base = protocol;
    repaired->rules = *protocol->mm_rules;
    if (bug->has_rule)
        known_rule_set(&repaired->rules, bug->rule, true);
    else
        known_bug_repair_rest(protocol, repaired);
    repaired->ops = *repaired->base;
    repaired->ops.mm_rules = &repaired->rules;
}

void repaired_install(const struct repaired_protocol *repaired,
                      struct mmusim_machine *machine)
{
    machine->system.protocol = &repaired->ops;
    machine->kernel.gather_shape.rules = &repaired->rules;
}
