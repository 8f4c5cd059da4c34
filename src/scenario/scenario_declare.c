/* SPDX-License-Identifier: MIT */
/* Declarations: what there is, and the state in which all begins. */
#include "scenario/scenario_reader.h"

#include <string.h>

/* ---- names ---- */

/* Names separated by blanks; each gets the next number of its kind. */
static void declare_names(struct scenario_reader *reader,
                          enum scenario_name_kind kind, uint32_t *n,
                          uint32_t limit)
{
    char name[SCENARIO_NAME_BYTES];

    do {
        if (!mmusim__scenario_need_name(reader, "a name", name))
            return;
        if (*n == limit)
            mmusim__scenario_fail(reader, reader->line, "more than %u of these",
                                  limit - 1);
        mmusim__scenario_add(reader, name, kind, (int32_t) *n);
        ++*n;
        mmusim__scenario_take(reader, ",");
    } while (reader->token.kind == TOKEN_NAME);
}

static void declare_arch(struct scenario_reader *reader)
{
    static const char *const names[] = {"x86", "arm", "riscv"};
    char name[SCENARIO_NAME_BYTES];

    if (!mmusim__scenario_need_name(reader, "x86, arm or riscv", name))
        return;
    for (uint32_t i = 0; i < 3; i++) {
        if (!strcmp(name, names[i])) {
            reader->program->arch = (enum scenario_arch) i;
            return;
        }
    }
    mmusim__scenario_fail(reader, reader->line,
                          "there is no arch '%s' (x86, arm, riscv)", name);
}

static void declare_cpus(struct scenario_reader *reader)
{
    int32_t n = reader->token.number;

    if (reader->token.kind != TOKEN_NUMBER || n < 1 || n > SCENARIO_CPUS) {
        mmusim__scenario_expected(reader, "a number of CPUs from 1 to 4");
        return;
    }
    if (reader->program->n_variables || reader->has_program_line) {
        mmusim__scenario_fail(reader, reader->line,
                              "'cpus' comes before all variables and files");
        return;
    }
    reader->program->n_cpus = (uint32_t) n;
    for (uint32_t i = 0; i < reader->program->n_names; i++) {
        if (!strcmp(reader->program->names[i].text, "CPUS"))
            reader->program->names[i].value = n;
    }
    mmusim__scenario_next(reader);
}

static void declare_const(struct scenario_reader *reader, bool is_default)
{
    char text[SCENARIO_NAME_BYTES];
    const struct scenario_name *old;
    int32_t value;

    if (!mmusim__scenario_need_name(reader, "a name", text))
        return;
    mmusim__scenario_need(reader, "=");
    value = mmusim__scenario_constant(reader);
    old = mmusim__scenario_find(reader->program, text);
    if (is_default && old && old->kind == NAME_NUMBER)
        return;
    mmusim__scenario_add(reader, text, NAME_NUMBER, value);
}

/* ---- variables ---- */

static const struct {
    const char *name;
    enum scenario_type type;
} declare_types[] = {
    {"number", TYPE_NUMBER},   {"mm", TYPE_MM},     {"cpu", TYPE_CPU},
    {"cpus", TYPE_CPUS},       {"page", TYPE_PAGE}, {"table", TYPE_TABLE},
    {"address", TYPE_ADDRESS}, {"word", TYPE_WORD},
};

static bool declare_type(struct scenario_reader *reader,
                         enum scenario_type *type)
{
    for (size_t i = 0; i < sizeof(declare_types) / sizeof(declare_types[0]);
         i++) {
        if (mmusim__scenario_take(reader, declare_types[i].name)) {
            *type = declare_types[i].type;
            return true;
        }
    }
    return false;
}

static void declare_dimension(struct scenario_reader *reader,
                              struct scenario_variable *variable)
{
    enum scenario_type type = TYPE_NUMBER;
    uint32_t size;

    if (declare_type(reader, &type) && type != TYPE_NUMBER) {
        size = type == TYPE_MM        ? SCENARIO_MMS
               : type == TYPE_CPU     ? reader->program->n_cpus
               : type == TYPE_PAGE    ? SCENARIO_PAGES
               : type == TYPE_ADDRESS ? SCENARIO_ADDRESSES
                                      : SCENARIO_TABLES;
    } else {
        int32_t number = mmusim__scenario_constant(reader);

        if (number < 1 || number > SCENARIO_VARIABLE_CELLS)
            mmusim__scenario_fail(reader, reader->line,
                                  "a size from 1 to %d, or mm, cpu, page, "
                                  "table, address",
                                  SCENARIO_VARIABLE_CELLS);
        size = reader->status ? 1 : (uint32_t) number;
    }
    variable->size[variable->n_dims] = size;
    variable->index_type[variable->n_dims] = type;
    variable->n_dims++;
    mmusim__scenario_need(reader, "]");
}

static void declare_variable(struct scenario_reader *reader, bool is_private)
{
    struct scenario_program *program = reader->program;
    struct scenario_variable variable = {.is_private = is_private,
                                         .name = program->n_names};
    char text[SCENARIO_NAME_BYTES];
    uint32_t n_cells = 1;

    if (!mmusim__scenario_need_name(reader, "a name", text))
        return;
    while (variable.n_dims < 2 && mmusim__scenario_take(reader, "["))
        declare_dimension(reader, &variable);
    for (uint32_t d = 0; d < variable.n_dims; d++)
        n_cells *= variable.size[d];
    if (mmusim__scenario_take(reader, ":") &&
        !declare_type(reader, &variable.type))
        mmusim__scenario_expected(reader, "number, mm, cpu, cpus, page, table, "
                                          "address or word");
    variable.first_cell = program->n_cells;
    if (program->n_variables == SCENARIO_VARIABLES ||
        program->n_cells + n_cells > SCENARIO_VARIABLE_CELLS)
        mmusim__scenario_fail(reader, reader->line,
                              "the variables need more than %d words",
                              SCENARIO_VARIABLE_CELLS);
    if (!mmusim__scenario_add(reader, text, NAME_VARIABLE,
                              (int32_t) program->n_variables))
        return;
    program->variables[program->n_variables++] = variable;
    program->n_cells += n_cells;
    if (mmusim__scenario_take(reader, "=")) {
        int32_t value = mmusim__scenario_constant(reader);

        for (uint32_t i = 0; i < n_cells; i++)
            program->initial[variable.first_cell + i] = value;
    }
}

static void declare_variables(struct scenario_reader *reader, bool is_private)
{
    do {
        declare_variable(reader, is_private);
    } while (mmusim__scenario_take(reader, ","));
}

static void declare_init(struct scenario_reader *reader)
{
    struct scenario_program *program = reader->program;
    const struct scenario_name *name;
    const struct scenario_variable *variable;
    char text[SCENARIO_NAME_BYTES];
    uint32_t offset = 0;

    if (!mmusim__scenario_need_name(reader, "a variable", text))
        return;
    name = mmusim__scenario_find(program, text);
    if (!name || name->kind != NAME_VARIABLE || name->value < 0) {
        mmusim__scenario_unknown(reader, "variable", text);
        return;
    }
    variable = &program->variables[name->value];
    for (uint32_t d = 0; d < variable->n_dims; d++) {
        int32_t index;

        mmusim__scenario_need(reader, "[");
        index = mmusim__scenario_constant(reader);
        mmusim__scenario_need(reader, "]");
        if (index < 0 || (uint32_t) index >= variable->size[d])
            mmusim__scenario_fail(reader, reader->line, "index %d (0 to %u)",
                                  index, variable->size[d] - 1);
        offset = offset * variable->size[d] + (uint32_t) index;
    }
    mmusim__scenario_need(reader, "=");
    if (!reader->status)
        program->initial[variable->first_cell + offset] =
            mmusim__scenario_constant(reader);
}

/* ---- mappings ---- */

static int32_t declare_known(struct scenario_reader *reader,
                             enum scenario_name_kind kind, const char *what)
{
    char text[SCENARIO_NAME_BYTES];
    const struct scenario_name *name;

    if (!mmusim__scenario_need_name(reader, what, text))
        return 0;
    name = mmusim__scenario_find(reader->program, text);
    if (name && name->kind == kind)
        return name->value;
    mmusim__scenario_unknown(reader, what, text);
    return 0;
}

static int32_t declare_rights(struct scenario_reader *reader)
{
    static const struct {
        const char *name;
        int32_t flags;
    } rights[] = {
        {"r", WORD_PRESENT | WORD_ACCESSED},
        {"rx", WORD_PRESENT | WORD_ACCESSED | WORD_EXEC},
        {"rw", WORD_PRESENT | WORD_ACCESSED | WORD_WRITE},
        {"rwd", WORD_PRESENT | WORD_ACCESSED | WORD_WRITE | WORD_DIRTY},
        {"rwx", WORD_PRESENT | WORD_ACCESSED | WORD_WRITE | WORD_EXEC},
    };
    int32_t flags = 0;

    for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]) && !flags; i++) {
        if (mmusim__scenario_take(reader, rights[i].name))
            flags = rights[i].flags;
    }
    if (!flags)
        mmusim__scenario_expected(reader, "r, rx, rw, rwd (dirty) or rwx");
    if (mmusim__scenario_take(reader, "global"))
        flags |= WORD_GLOBAL;
    return flags;
}

/* The table through which mm maps the address, made if there is none. */
static uint32_t declare_table(struct scenario_reader *reader, uint32_t mm,
                              uint32_t address, uint32_t table)
{
    struct scenario_program *program = reader->program;
    struct scenario_map *map = &program->map;
    uint32_t region = 0;

    if (map->has_region[address]) {
        region = map->region[address];
    } else {
        while (region < program->n_regions &&
               (map->table[mm][region] != table || !table))
            region++;
        if (!table && program->n_regions)
            region = 0; /* the usual one */
        if (region == SCENARIO_REGIONS ||
            map->n_indices[region] == SCENARIO_TABLE_WORDS) {
            mmusim__scenario_fail(reader, reader->line,
                                  "at most %d tables' ranges of %d addresses",
                                  SCENARIO_REGIONS, SCENARIO_TABLE_WORDS);
            return 0;
        }
        if (region == program->n_regions)
            program->n_regions++;
        map->has_region[address] = true;
        map->region[address] = (uint8_t) region;
        map->index[address] = map->n_indices[region]++;
    }
    if (!map->table[mm][region]) {
        if (!table && program->n_tables == SCENARIO_TABLES)
            mmusim__scenario_fail(reader, reader->line, "more than %d tables",
                                  SCENARIO_TABLES - 1);
        else if (!table)
            table = program->n_tables++;
        map->table[mm][region] = (uint8_t) table;
    } else if (table && map->table[mm][region] != table) {
        mmusim__scenario_fail(reader, reader->line,
                              "this address's range has another page table");
    }
    return reader->status ? 0 : map->table[mm][region];
}

static void declare_map_at(struct scenario_reader *reader, uint32_t mm,
                           uint32_t address, int32_t word)
{
    struct scenario_program *program = reader->program;
    uint32_t table = 0, region, upper;

    if (mmusim__scenario_take(reader, "in"))
        table = (uint32_t) declare_known(reader, NAME_TABLE, "page table");
    table = declare_table(reader, mm, address, table);
    if (reader->status)
        return;
    region = program->map.region[address];
    upper = SCENARIO_FIRST_UPPER + mm * SCENARIO_REGIONS + region;
    if (word & WORD_HUGE)
        program->initial[upper] = word;
    else
        program->initial[SCENARIO_FIRST_LEAF + table * SCENARIO_TABLE_WORDS +
                         program->map.index[address]] = word;
    if (!program->initial[upper])
        program->initial[upper] = (int32_t) (table << WORD_SHIFT) |
                                  WORD_PRESENT | WORD_TABLE | WORD_ACCESSED;
}

/* map MM ADDRESS [huge] -> PAGE RIGHTS [in TABLE] | none [in TABLE] */
static void declare_map(struct scenario_reader *reader)
{
    int32_t mm = declare_known(reader, NAME_MM, "address space");
    char text[SCENARIO_NAME_BYTES];
    int32_t address, word = 0;
    bool is_huge;

    if (!mmusim__scenario_need_name(reader, "an address", text))
        return;
    address = mmusim__scenario_address(reader, text);
    is_huge = mmusim__scenario_take(reader, "huge");
    mmusim__scenario_need(reader, "->");
    if (!mmusim__scenario_take(reader, "none")) {
        word = declare_known(reader, NAME_PAGE, "page") << WORD_SHIFT;
        word |= declare_rights(reader);
        word |= is_huge ? WORD_HUGE : 0;
    }
    if (!reader->status)
        declare_map_at(reader, (uint32_t) mm, (uint32_t) address, word);
}

/* address A [= NUMBER], B ... */
static void declare_addresses(struct scenario_reader *reader)
{
    do {
        char text[SCENARIO_NAME_BYTES];
        int32_t address;

        if (!mmusim__scenario_need_name(reader, "an address", text))
            return;
        address = mmusim__scenario_address(reader, text);
        if (mmusim__scenario_take(reader, "=") && address >= 0)
            reader->program->page_number[address] =
                mmusim__scenario_constant(reader);
    } while (mmusim__scenario_take(reader, ","));
}

/* ---- CPUs ---- */

static uint32_t declare_cpu(struct scenario_reader *reader)
{
    int32_t cpu = reader->token.number;

    if (reader->token.kind != TOKEN_NUMBER || cpu < 0 ||
        (uint32_t) cpu >= reader->program->n_cpus) {
        mmusim__scenario_expected(reader, "the number of a CPU");
        return 0;
    }
    mmusim__scenario_next(reader);
    return (uint32_t) cpu;
}

static void declare_start(struct scenario_reader *reader)
{
    uint32_t cpu = declare_cpu(reader);

    reader->program->root[cpu] =
        (uint8_t) declare_known(reader, NAME_MM, "address space");
    if (mmusim__scenario_take(reader, "asid"))
        reader->program->asid[cpu] =
            (uint8_t) mmusim__scenario_constant(reader);
}

static void declare_speculate(struct scenario_reader *reader)
{
    uint32_t cpus = (1u << reader->program->n_cpus) - 1;
    uint16_t addresses = 0;

    if (!mmusim__scenario_take(reader, "all"))
        cpus = 1u << declare_cpu(reader);
    mmusim__scenario_need(reader, ":");
    do {
        int32_t address = declare_known(reader, NAME_ADDRESS, "address");

        if (!reader->program->map.has_region[address])
            mmusim__scenario_fail(reader, reader->line,
                                  "an address that is mapped above");
        addresses |= (uint16_t) (1u << address);
        mmusim__scenario_take(reader, ",");
    } while (reader->token.kind == TOKEN_NAME);
    for (uint32_t c = 0; c < SCENARIO_CPUS; c++) {
        if (cpus >> c & 1)
            reader->program->speculates[c] |= addresses;
    }
}

static void declare_data(struct scenario_reader *reader)
{
    int32_t page = declare_known(reader, NAME_PAGE, "page");

    mmusim__scenario_need(reader, "=");
    reader->program->data[page] = mmusim__scenario_constant(reader);
}

bool mmusim__scenario_declaration(struct scenario_reader *reader)
{
    struct scenario_program *program = reader->program;

    if (mmusim__scenario_take(reader, "arch"))
        declare_arch(reader);
    else if (mmusim__scenario_take(reader, "cpus"))
        declare_cpus(reader);
    else if (mmusim__scenario_take(reader, "mm"))
        declare_names(reader, NAME_MM, &program->n_mms, SCENARIO_MMS);
    else if (mmusim__scenario_take(reader, "page"))
        declare_names(reader, NAME_PAGE, &program->n_pages, SCENARIO_PAGES);
    else if (mmusim__scenario_take(reader, "table"))
        declare_names(reader, NAME_TABLE, &program->n_tables, SCENARIO_TABLES);
    else if (mmusim__scenario_take(reader, "address"))
        declare_addresses(reader);
    else if (mmusim__scenario_take(reader, "map"))
        declare_map(reader);
    else if (mmusim__scenario_take(reader, "const"))
        declare_const(reader, false);
    else if (mmusim__scenario_take(reader, "default"))
        declare_const(reader, true);
    else if (mmusim__scenario_take(reader, "shared"))
        declare_variables(reader, false);
    else if (mmusim__scenario_take(reader, "private"))
        declare_variables(reader, true);
    else if (mmusim__scenario_take(reader, "init"))
        declare_init(reader);
    else if (mmusim__scenario_take(reader, "start"))
        declare_start(reader);
    else if (mmusim__scenario_take(reader, "speculate"))
        declare_speculate(reader);
    else if (mmusim__scenario_take(reader, "data"))
        declare_data(reader);
    else
        return false;
    return true;
}
