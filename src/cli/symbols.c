/* SPDX-License-Identifier: MIT */
/*
 * One Dwfl a file, reported at address 0: then addresses are those that the
 * file was linked at, whatever it was loaded at, and a place in the file is
 * turned into one by its program headers. Line tables and unit trees are read
 * through libdw; functions are looked up in symbol_ranges.
 *
 * The demangler is the C++ run-time library's, loaded if it is there: nothing
 * is needed to build, and without it names stay as the linker sees them.
 */
#include "cli/symbols.h"

#include "cli/name_pool.h"

#ifdef MMUSIM_HAS_DW

#include "cli/symbol_ranges.h"

#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MANGLED_MAX_BYTES = 4096, BUILD_BYTES = 8 };

struct symbol_unit {
    Dwarf_Off offset;
    struct symbol_ranges ranges;
};

struct symbol_file {
    char *path;
    Dwfl *dwfl;
    Dwfl_Module *module; /* NULL: nothing is known of the file */
    struct symbol_unit *units;
    size_t n_units;
    size_t last_unit;
    struct symbol_file *next;
};

typedef char *(*demangle_fn)(const char *name, char *buffer, size_t *size,
                             int *status);

struct symbols {
    struct symbol_file *files;
    struct name_pool *names;
    void *cxx_library;
    demangle_fn demangle;
};

int symbols_are_available(void)
{
    return 1;
}

static void symbols_find_demangler(struct symbols *symbols)
{
    void *function;

    symbols->cxx_library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL);
    if (!symbols->cxx_library)
        return;
    function = dlsym(symbols->cxx_library, "__cxa_demangle");
    /* POSIX dlsym(): a function comes as a pointer to data */
    memcpy(&symbols->demangle, &function, sizeof(function));
}

struct symbols *symbols_create(void)
{
    struct symbols *symbols = calloc(1, sizeof(*symbols));

    if (!symbols)
        return NULL;
    symbols->names = name_pool_create();
    if (!symbols->names) {
        free(symbols);
        return NULL;
    }
    unsetenv("DEBUGINFOD_URLS"); /* else libdw asks there */
    symbols_find_demangler(symbols);
    return symbols;
}

static void symbol_file_free(struct symbol_file *file)
{
    for (size_t i = 0; i < file->n_units; i++)
        symbol_ranges_fini(&file->units[i].ranges);
    free(file->units);
    if (file->dwfl)
        dwfl_end(file->dwfl);
    free(file->path);
    free(file);
}

void symbols_destroy(struct symbols *symbols)
{
    if (!symbols)
        return;
    while (symbols->files) {
        struct symbol_file *file = symbols->files;

        symbols->files = file->next;
        symbol_file_free(file);
    }
    name_pool_destroy(symbols->names);
    if (symbols->cxx_library)
        dlclose(symbols->cxx_library);
    free(symbols);
}

/* ---- files ---- */

static void symbols_warn(const char *path, const char *what)
{
    fprintf(stderr,
            "mmusim: warning: %s: %s (its functions and lines are not told)\n",
            path, what);
}

static uint64_t symbol_build_of(Elf *elf)
{
    const void *bits = NULL;
    ssize_t n = dwelf_elf_gnu_build_id(elf, &bits);
    const unsigned char *bytes = bits;
    uint64_t build = 0;

    for (ssize_t i = 0; i < n && i < BUILD_BYTES; i++)
        build |= (uint64_t) bytes[i] << (56 - 8 * i);
    return build;
}

/* NULL: what is wrong has been told. */
static Dwfl_Module *symbol_file_read(struct symbol_file *file, uint64_t build)
{
    static const Dwfl_Callbacks callbacks = {
        .find_elf = dwfl_build_id_find_elf,
        .find_debuginfo = dwfl_standard_find_debuginfo,
        .section_address = dwfl_offline_section_address,
    };
    struct stat status;
    Dwfl_Module *module;
    GElf_Addr bias;
    Elf *elf;
    int is_there = !stat(file->path, &status);

    if (!is_there || !S_ISREG(status.st_mode)) {
        symbols_warn(file->path,
                     is_there ? "not a regular file" : strerror(errno));
        return NULL;
    }
    file->dwfl = dwfl_begin(&callbacks);
    if (!file->dwfl)
        return NULL;
    dwfl_report_begin(file->dwfl);
    module = dwfl_report_elf(file->dwfl, file->path, file->path, -1, 0, true);
    dwfl_report_end(file->dwfl, NULL, NULL);
    elf = module ? dwfl_module_getelf(module, &bias) : NULL;
    if (!elf) {
        symbols_warn(file->path, dwfl_errmsg(-1));
        return NULL;
    }
    if (build && symbol_build_of(elf) != build) {
        symbols_warn(file->path, "its build id differs from the recorded "
                                 "program's: it has changed since");
        return NULL;
    }
    return module;
}

static struct symbol_file *symbols_open(struct symbols *symbols,
                                        const char *path, uint64_t build)
{
    struct symbol_file *file = symbols->files;

    while (file && strcmp(file->path, path) != 0)
        file = file->next;
    if (file)
        return file;
    file = calloc(1, sizeof(*file));
    if (!file)
        return NULL;
    file->path = strdup(path);
    if (!file->path) {
        free(file);
        return NULL;
    }
    file->next = symbols->files;
    symbols->files = file;
    file->module = symbol_file_read(file, build);
    return file;
}

/* The address that the place was linked at; false: it is not loaded. */
static int symbol_vaddr_of(const struct symbol_file *file, uint64_t file_offset,
                           uint64_t *vaddr)
{
    GElf_Addr bias;
    Elf *elf = dwfl_module_getelf(file->module, &bias);
    size_t n = 0;

    if (!elf || elf_getphdrnum(elf, &n))
        return 0;
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr header;

        if (gelf_getphdr(elf, (int) i, &header) && header.p_type == PT_LOAD &&
            file_offset >= header.p_offset &&
            file_offset - header.p_offset < header.p_filesz) {
            *vaddr = file_offset - header.p_offset + header.p_vaddr + bias;
            return 1;
        }
    }
    return 0;
}

/* ---- names ---- */

/* NULL: none, or out of memory. */
static const char *symbols_name(struct symbols *symbols, const char *name)
{
    char *demangled = NULL;
    const char *kept;
    int status = -1;

    if (!name)
        return NULL;
    if (symbols->demangle && !strncmp(name, "_Z", 2) &&
        strnlen(name, MANGLED_MAX_BYTES) < MANGLED_MAX_BYTES)
        demangled = symbols->demangle(name, NULL, NULL, &status);
    kept =
        name_pool_keep(symbols->names, !status && demangled ? demangled : name);
    free(demangled);
    return kept;
}

static const char *symbols_function_name(struct symbols *symbols,
                                         struct symbol_function *function)
{
    Dwarf_Attribute attribute;
    const char *name = NULL;

    if (function->name)
        return function->name;
    if (dwarf_attr_integrate(&function->die, DW_AT_linkage_name, &attribute) ||
        dwarf_attr_integrate(&function->die, DW_AT_MIPS_linkage_name,
                             &attribute))
        name = dwarf_formstring(&attribute);
    if (!name)
        name = dwarf_diename(&function->die);
    function->name = symbols_name(symbols, name);
    return function->name;
}

/* ---- places ---- */

/* The unit that has code at vaddr. GCC indexes them (.debug_aranges), Clang
 * does not: then all are asked. */
static Dwarf_Die *symbol_find_unit(const struct symbol_file *file,
                                   uint64_t vaddr, Dwarf_Addr *bias)
{
    Dwarf_Die *unit = dwfl_module_addrdie(file->module, vaddr, bias);

    if (unit)
        return unit;
    do
        unit = dwfl_module_nextcu(file->module, unit, bias);
    while (unit && dwarf_haspc(unit, vaddr - *bias) <= 0);
    return unit;
}

/* NULL: out of memory. */
static const struct symbol_ranges *symbol_unit_ranges(struct symbol_file *file,
                                                      Dwarf_Die *unit)
{
    Dwarf_Off offset = dwarf_dieoffset(unit);
    struct symbol_unit *grown;
    size_t i = file->last_unit;

    if (i >= file->n_units || file->units[i].offset != offset)
        for (i = 0; i < file->n_units && file->units[i].offset != offset; i++)
            continue;
    file->last_unit = i;
    if (i < file->n_units)
        return &file->units[i].ranges;
    grown = realloc(file->units, (i + 1) * sizeof(*grown));
    if (!grown)
        return NULL;
    file->units = grown;
    grown[i].offset = offset;
    if (!symbol_ranges_init(&grown[i].ranges, unit))
        return NULL;
    file->n_units++;
    return &grown[i].ranges;
}

static int symbols_find_dwarf(struct symbols *symbols, struct symbol_file *file,
                              uint64_t vaddr, struct symbol_place *place)
{
    Dwarf_Addr bias = 0;
    Dwarf_Die *unit = symbol_find_unit(file, vaddr, &bias);
    const struct symbol_ranges *ranges;
    struct symbol_function *function, *outer;
    Dwarf_Line *line;
    int number = 0;

    if (!unit)
        return 1;
    line = dwarf_getsrc_die(unit, vaddr - bias);
    if (line && !dwarf_lineno(line, &number) && number > 0) {
        place->source = dwarf_linesrc(line, NULL, NULL);
        place->line = (uint32_t) number;
    }
    ranges = symbol_unit_ranges(file, unit);
    if (!ranges)
        return 0;
    function = symbol_ranges_find(ranges, vaddr - bias);
    if (!function)
        return 1;
    outer = symbol_ranges_outer(ranges, function);
    place->function = symbols_function_name(symbols, function);
    if (outer != function)
        place->outer = symbols_function_name(symbols, outer);
    if (place->outer == place->function) /* names are kept once */
        place->outer = NULL;
    return 1;
}

int symbols_find(struct symbols *symbols, const char *path, uint64_t build,
                 uint64_t file_offset, struct symbol_place *place)
{
    struct symbol_file *file = symbols_open(symbols, path, build);
    GElf_Off inside;
    GElf_Sym symbol;
    uint64_t vaddr;

    memset(place, 0, sizeof(*place));
    if (!file)
        return 0;
    if (!file->module || !symbol_vaddr_of(file, file_offset, &vaddr))
        return 1;
    if (!symbols_find_dwarf(symbols, file, vaddr, place))
        return 0;
    if (!place->function)
        place->function = symbols_name(
            symbols, dwfl_module_addrinfo(file->module, vaddr, &inside, &symbol,
                                          NULL, NULL, NULL));
    return 1;
}

#else

#include <stdlib.h>
#include <string.h>

int symbols_are_available(void)
{
    return 0;
}

struct symbols *symbols_create(void)
{
    return calloc(1, 1);
}

void symbols_destroy(struct symbols *symbols)
{
    free(symbols);
}

int symbols_find(struct symbols *symbols, const char *path, uint64_t build,
                 uint64_t file_offset, struct symbol_place *place)
{
    (void) symbols, (void) path, (void) build, (void) file_offset;
    memset(place, 0, sizeof(*place));
    return 1;
}

#endif
