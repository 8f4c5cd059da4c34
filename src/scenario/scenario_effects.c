/* SPDX-License-Identifier: MIT */
/* What the builtins do: instructions, memory of pages and tables, and what a
 * scenario tells the checker. */
#include "scenario/scenario_builtin.h"
#include "scenario/scenario_witness.h"

#include <string.h>

struct effect {
    struct scenario_run *run;
    struct scenario_cpu *self;
    const struct scenario_builtin_row *row;
    const int32_t *args;
    uint32_t cpu, n_args, line;
};

/* ---- arguments ---- */

static const char *effect_arg_name(const struct effect *effect, uint32_t index)
{
    return effect->row->name[0] ? effect->row->name : index ? "argument" : "";
}

/* An index below a limit, else 0 and an error. */
static uint32_t effect_index(struct effect *effect, uint32_t arg,
                             uint32_t limit, const char *what)
{
    int32_t value = effect->args[arg];

    if (value >= 0 && (uint32_t) value < limit)
        return (uint32_t) value;
    mmusim__scenario_error(effect->run, effect->line,
                           "%s: argument %u is %d, which is no %s",
                           effect_arg_name(effect, arg), arg + 1, value, what);
    return 0;
}

static uint32_t effect_address(struct effect *effect, uint32_t arg)
{
    uint32_t address =
        effect_index(effect, arg, effect->run->program->n_addresses, "address");

    if (!effect->run->program->map.has_region[address])
        mmusim__scenario_error(effect->run, effect->line,
                               "%s: the address has no page table (map it)",
                               effect->row->name);
    return address;
}

static uint32_t effect_mm(struct effect *effect, uint32_t arg)
{
    return effect_index(effect, arg, effect->run->program->n_mms,
                        "address space");
}

static uint32_t effect_page(struct effect *effect, uint32_t arg)
{
    return effect_index(effect, arg, effect->run->program->n_pages, "page");
}

static uint32_t effect_table(struct effect *effect, uint32_t arg)
{
    return effect_index(effect, arg, effect->run->program->n_tables,
                        "page table");
}

static int32_t effect_or_all(struct effect *effect, uint32_t arg, bool is_mm)
{
    if (effect->args[arg] == SCENARIO_ALL)
        return SCENARIO_ALL;
    return (int32_t) (is_mm ? effect_mm(effect, arg)
                            : effect_address(effect, arg));
}

static const char *effect_text(const struct effect *effect,
                               enum scenario_type type, uint32_t arg,
                               struct scenario_text *text)
{
    *text =
        mmusim__scenario_value(effect->run->program, type, effect->args[arg]);
    return text->text;
}

/* ---- invalidations ---- */

static struct scenario_inval
effect_inval(const struct scenario_builtin_row *row,
             const struct scenario_cpu *self, const int32_t *args)
{
    struct scenario_inval inval = row->inval;

    inval.asid = row->asid_arg ? args[row->asid_arg - 1] : self->asid;
    inval.address = row->address_arg ? args[row->address_arg - 1] : 0;
    inval.n_pages = row->pages_arg ? args[row->pages_arg - 1] : 0;
    inval.level = row->level_arg ? args[row->level_arg - 1] : 0;
    return inval;
}

static void effect_note_inval(struct effect *effect)
{
    const struct scenario_builtin_row *row = effect->row;
    struct scenario_text address = {""};

    if (row->address_arg)
        effect_text(effect, TYPE_ADDRESS, row->address_arg - 1u, &address);
    if (row->asid_arg)
        mmusim__scenario_note(effect->run, "%s %s%sasid %d", row->name,
                              address.text, address.text[0] ? ", " : "",
                              effect->args[row->asid_arg - 1]);
    else
        mmusim__scenario_note(effect->run, "%s %s", row->name, address.text);
}

static void effect_invalidate(struct effect *effect)
{
    const struct scenario_builtin_row *row = effect->row;
    struct scenario_inval inval;
    uint32_t slot = 0;

    if (row->address_arg)
        effect_address(effect, row->address_arg - 1u);
    if (effect->run->has_error)
        return;
    effect_note_inval(effect);
    inval = effect_inval(row, effect->self, effect->args);
    if (!row->is_broadcast) {
        mmusim__scenario_invalidate(effect->run, effect->cpu, &inval);
        return;
    }
    while (effect->self->broadcasts[slot].to)
        slot++;
    effect->self->broadcasts[slot] = (struct scenario_broadcast){
        .address = inval.address,
        .asid = inval.asid,
        .n_pages = row->level_arg ? -inval.level : inval.n_pages,
        .builtin = (uint8_t) (row - mmusim__scenario_builtins),
        .to = (uint8_t) ((1u << effect->run->program->n_cpus) - 1),
    };
}

void mmusim__scenario_arrive(struct scenario_run *run, uint32_t cpu,
                             uint32_t issuer, uint32_t index)
{
    struct scenario_broadcast *broadcast =
        &run->world.cpus[issuer].broadcasts[index];
    const struct scenario_builtin_row *row =
        &mmusim__scenario_builtins[broadcast->builtin];
    struct scenario_inval inval = row->inval;

    inval.address = broadcast->address;
    inval.asid = broadcast->asid;
    inval.n_pages = broadcast->n_pages < 0 ? 0 : broadcast->n_pages;
    inval.level = broadcast->n_pages < 0 ? -broadcast->n_pages : 0;
    mmusim__scenario_invalidate(run, cpu, &inval);
    mmusim__scenario_note(run, "%s from CPU %u acts here", row->name, issuer);
    broadcast->to &= (uint8_t) ~(1u << cpu);
    if (!broadcast->to)
        memset(broadcast, 0, sizeof(*broadcast));
}

static bool effect_has_broadcasts(const struct scenario_cpu *self,
                                  bool *has_room)
{
    bool has_any = false;

    *has_room = false;
    for (uint32_t i = 0; i < SCENARIO_BROADCASTS; i++) {
        has_any |= self->broadcasts[i].to != 0;
        *has_room |= self->broadcasts[i].to == 0;
    }
    return has_any;
}

bool mmusim__scenario_builtin_may(const struct scenario_run *run, uint32_t cpu,
                                  uint32_t builtin)
{
    const struct scenario_builtin_row *row =
        &mmusim__scenario_builtins[builtin];
    const struct scenario_cpu *self = &run->world.cpus[cpu];
    bool has_room;
    bool has_broadcasts = effect_has_broadcasts(self, &has_room);

    if (row->drains && self->n_stores)
        return false;
    if (row->builtin == BUILTIN_WAIT_ACKS)
        return !self->awaits;
    if (row->builtin == BUILTIN_DSB || row->builtin == BUILTIN_TLBSYNC)
        return !has_broadcasts;
    return !row->is_broadcast || has_room;
}

/* ---- accesses, walks by software ---- */

static int32_t effect_access(struct effect *effect, enum scenario_access access)
{
    uint32_t address = effect_address(effect, 0);
    int32_t data = effect->n_args > 1 ? effect->args[1] : 1;

    if (effect->run->has_error)
        return 0;
    if (!mmusim__scenario_access(effect->run, effect->cpu, (int32_t) address,
                                 access, &data))
        return -1;
    return data;
}

static int32_t effect_sw_table(struct effect *effect)
{
    uint32_t mm = effect_mm(effect, 0);
    uint32_t address = effect_address(effect, 1);
    int32_t word;

    if (effect->run->has_error)
        return 0;
    word = mmusim__scenario_load(effect->run, effect->cpu,
                                 SCENARIO_FIRST_UPPER + mm * SCENARIO_REGIONS +
                                     effect->run->program->map.region[address]);
    if ((word & (WORD_PRESENT | WORD_TABLE)) != (WORD_PRESENT | WORD_TABLE))
        word = 0;
    effect->self->software_table = (uint8_t) scenario_table_of(word);
    effect->self->software_gone = 0;
    mmusim__scenario_saw_software_table(effect->run, effect->cpu, mm);
    mmusim__scenario_note(
        effect->run, "software walk finds table %s",
        mmusim__scenario_value(effect->run->program, TYPE_WORD, word).text);
    return (int32_t) scenario_table_of(word);
}

static int32_t effect_sw_word(struct effect *effect)
{
    uint32_t address = effect_address(effect, 0);
    uint32_t table = effect->self->software_table;
    int32_t word;

    if (effect->run->has_error || !table)
        return 0;
    mmusim__scenario_saw_software_word(effect->run, effect->cpu, address);
    if (effect->self->software_gone || effect->run->world.table_is_free[table])
        mmusim__scenario_violation(
            effect->run, VERDICT_SW_WALK,
            "CPU %u walks page tables without a lock and reads table %s, "
            "which has been freed or given away since it found it.",
            effect->cpu,
            mmusim__scenario_value(effect->run->program, TYPE_TABLE,
                                   (int32_t) table)
                .text);
    word = mmusim__scenario_load(effect->run, effect->cpu,
                                 SCENARIO_FIRST_LEAF +
                                     table * SCENARIO_TABLE_WORDS +
                                     effect->run->program->map.index[address]);
    mmusim__scenario_note(
        effect->run, "software walk reads %s",
        mmusim__scenario_value(effect->run->program, TYPE_WORD, word).text);
    effect->self->software_table = 0;
    effect->self->software_gone = 0;
    return word;
}

/* ---- pages and tables ---- */

static void effect_note_owner(struct effect *effect, enum scenario_type type,
                              const char *what)
{
    struct scenario_text name;

    mmusim__scenario_note(effect->run, "%s %s", what,
                          effect_text(effect, type, 0, &name));
}

static void effect_copy_page(struct effect *effect)
{
    uint32_t from = effect_page(effect, 0);
    uint32_t to = effect_page(effect, 1);
    struct scenario_text a, b;

    effect->run->world.data[to] = effect->run->world.data[from];
    mmusim__scenario_page_taken(effect->run, from);
    mmusim__scenario_note(effect->run, "copy page %s to %s",
                          effect_text(effect, TYPE_PAGE, 0, &a),
                          effect_text(effect, TYPE_PAGE, 1, &b));
}

static void effect_page_change(struct effect *effect)
{
    uint32_t page = effect_page(effect, 0);
    struct scenario_world *world = &effect->run->world;

    switch ((int) effect->row->builtin) {
    case BUILTIN_FREE_PAGE:
        world->page_is_free[page] = 1;
        mmusim__scenario_page_freed(effect->run, page);
        effect_note_owner(effect, TYPE_PAGE, "free page");
        break;
    case BUILTIN_REUSE_PAGE:
        world->page_is_free[page] = 1;
        mmusim__scenario_page_freed(effect->run, page);
        world->data[page] = effect->n_args > 1 ? effect->args[1] : 0;
        effect_note_owner(effect, TYPE_PAGE, "somebody else gets page");
        break;
    case BUILTIN_ALLOC_PAGE:
        world->page_is_free[page] = 0;
        world->data[page] = 0;
        effect_note_owner(effect, TYPE_PAGE, "allocate page");
        break;
    default:
        mmusim__scenario_page_taken(effect->run, page);
        effect_note_owner(effect, TYPE_PAGE, "take the content of page");
        break;
    }
}

static void effect_table_change(struct effect *effect)
{
    uint32_t table = effect_table(effect, 0);
    struct scenario_world *world = &effect->run->world;

    switch ((int) effect->row->builtin) {
    case BUILTIN_ALLOC_TABLE:
        world->table_is_free[table] = 0;
        effect_note_owner(effect, TYPE_TABLE, "allocate page table");
        break;
    case BUILTIN_FREE_TABLE:
        world->table_is_free[table] = 1;
        mmusim__scenario_table_freed(effect->run, table);
        effect_note_owner(effect, TYPE_TABLE, "free page table");
        break;
    default: /* somebody else's table or data now */
        mmusim__scenario_table_freed(effect->run, table);
        effect_note_owner(effect, TYPE_TABLE, "somebody else gets page table");
        break;
    }
}

/* ---- the address space a CPU runs ---- */

static void effect_load_root(struct effect *effect)
{
    uint32_t mm = effect_mm(effect, 0);
    int32_t asid = effect->n_args > 1 ? effect->args[1] : 0;
    struct scenario_text name;
    struct scenario_inval inval = {.scope = SCOPE_ASID,
                                   .walks = WALKS_ASID,
                                   .spares_globals = true,
                                   .asid = asid & 0xff};

    effect->self->root = (uint8_t) mm;
    effect->self->asid = (uint8_t) asid;
    if (effect->row->builtin == BUILTIN_WRITE_CR3)
        mmusim__scenario_invalidate(effect->run, effect->cpu, &inval);
    mmusim__scenario_note(effect->run, "%s %s, asid %d", effect->row->name,
                          effect_text(effect, TYPE_MM, 0, &name), asid);
}

/* ---- the table's other half ---- */

static void effect_tell(struct effect *effect)
{
    struct scenario_run *run = effect->run;
    int32_t mm = effect_or_all(effect, 0, true);
    int32_t address = effect_or_all(effect, 1, false);
    uint32_t losses = effect->row->builtin == BUILTIN_PROMISE_GONE ? LOSS_ALL
                      : effect->row->builtin == BUILTIN_PROMISE_READONLY
                          ? LOSS_WRITE
                          : LOSS_CLEAN;

    if (run->has_error)
        return;
    if (effect->row->builtin == BUILTIN_FLUSH_BEGIN)
        mmusim__scenario_flush_begin(run, effect->cpu, mm, address);
    else
        mmusim__scenario_promise(run, effect->cpu, mm, address, losses);
}

static void effect_check(struct effect *effect)
{
    struct scenario_run *run = effect->run;
    int32_t verdict = effect->args[1];

    if (effect->args[0] || verdict <= 0 || verdict >= SCENARIO_VERDICTS)
        return;
    run->is_by_check |= !run->verdict;
    mmusim__scenario_violation(run, (enum scenario_verdict) verdict,
                               "CPU %u: what the scenario checks does not "
                               "hold.",
                               effect->cpu);
}

static int32_t effect_inside(struct effect *effect)
{
    const int32_t *args = effect->args;
    struct scenario_cpu *self = effect->self;

    switch ((int) effect->row->builtin) {
    case BUILTIN_WMB:
        if (self->n_stores && self->epoch < 200)
            self->epoch++;
        return 0;
    case BUILTIN_FLUSH_DONE:
        mmusim__scenario_flush_done(effect->run, effect->cpu);
        return 0;
    case BUILTIN_IRQ_ON:
        self->irq_off = false;
        return 0;
    case BUILTIN_LEAF:
        return (int32_t) (effect_page(effect, 0) << WORD_SHIFT) |
               (args[1] & WORD_FLAGS & ~WORD_TABLE);
    case BUILTIN_TABLE_WORD:
        return (int32_t) (effect_table(effect, 0) << WORD_SHIFT) |
               WORD_PRESENT | WORD_TABLE | WORD_ACCESSED;
    case BUILTIN_PAGE_OF:
        return (int32_t) scenario_page_of(args[0]);
    case BUILTIN_BIT:
        return (int32_t) (1u << (args[0] & 31));
    case BUILTIN_ROOT:
        return self->root;
    case BUILTIN_ASID:
        return self->asid;
    case BUILTIN_PAGE_NUMBER:
        return effect->run->program->page_number[effect_address(effect, 0)];
    case BUILTIN_SELF:
        return (int32_t) effect->cpu;
    case BUILTIN_CHECK:
        effect_check(effect);
        return 0;
    default:
        return 0;
    }
}

static int32_t effect_step(struct effect *effect)
{
    struct scenario_run *run = effect->run;

    switch ((int) effect->row->builtin) {
    case BUILTIN_READ:
        return effect_access(effect, ACCESS_READS);
    case BUILTIN_WRITE:
        return effect_access(effect, ACCESS_WRITES);
    case BUILTIN_EXEC:
        return effect_access(effect, ACCESS_EXECUTES);
    case BUILTIN_FILL:
        if (mmusim__scenario_may_fill(run, effect->cpu,
                                      effect_address(effect, 0)))
            mmusim__scenario_fill(run, effect->cpu, (uint32_t) effect->args[0]);
        return 0;
    case BUILTIN_WRITE_CR3:
    case BUILTIN_WRITE_CR3_NOFLUSH:
    case BUILTIN_SET_TTBR:
        effect_load_root(effect);
        return 0;
    case BUILTIN_SW_TABLE:
        return effect_sw_table(effect);
    case BUILTIN_SW_WORD:
        return effect_sw_word(effect);
    case BUILTIN_FREE_PAGE:
    case BUILTIN_REUSE_PAGE:
    case BUILTIN_ALLOC_PAGE:
    case BUILTIN_TAKE_PAGE:
        effect_page_change(effect);
        return 0;
    case BUILTIN_COPY_PAGE:
        effect_copy_page(effect);
        return 0;
    case BUILTIN_FREE_TABLE:
    case BUILTIN_REUSE_TABLE:
    case BUILTIN_ALLOC_TABLE:
        effect_table_change(effect);
        return 0;
    case BUILTIN_IRQ_OFF: /* a step: an interrupt may come just before */
        effect->self->irq_off = true;
        mmusim__scenario_note(run, "irq_off");
        return 0;
    case BUILTIN_WAIT_ACKS:
        mmusim__scenario_note(run, "every CPU asked has acknowledged");
        return 0;
    default: /* barriers: what they wait for has happened */
        mmusim__scenario_note(run, "%s", effect->row->name);
        return 0;
    }
}

int32_t mmusim__scenario_builtin_do(struct scenario_run *run, uint32_t cpu,
                                    uint32_t builtin, const int32_t *args,
                                    uint32_t n_args, uint32_t line)
{
    struct effect effect = {
        .run = run,
        .self = &run->world.cpus[cpu],
        .row = &mmusim__scenario_builtins[builtin],
        .args = args,
        .cpu = cpu,
        .n_args = n_args,
        .line = line,
    };

    if (effect.row->builtin == BUILTIN_FIRST_INVAL)
        effect_invalidate(&effect);
    else if (effect.row->builtin >= BUILTIN_FLUSH_BEGIN &&
             effect.row->builtin <= BUILTIN_PROMISE_CLEAN &&
             effect.row->builtin != BUILTIN_FLUSH_DONE)
        effect_tell(&effect);
    else if (effect.row->is_step)
        return effect_step(&effect);
    else
        return effect_inside(&effect);
    return 0;
}
