/* SPDX-License-Identifier: MIT */
/* Outcomes as text, in herd's words. */
#include "litmus/litmus_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *print_fault_name(enum litmus_fault fault)
{
    switch (fault) {
    case LITMUS_FAULT_TRANSLATION:
        return "MMU:Translation";
    case LITMUS_FAULT_ACCESS_FLAG:
        return "MMU:AccessFlag";
    case LITMUS_FAULT_PERMISSION:
        return "MMU:Permission";
    case LITMUS_NO_FAULT:
        break;
    }
    return "";
}

/* Attributes that are not the default. */
static void print_descriptor(const struct litmus_test *test, uint64_t value,
                             char *text, size_t size)
{
    uint64_t frame = (value & LITMUS_PTE_FRAME) >> 12;

    snprintf(text, size, "(oa:phy_%s%s%s%s%s%s%s)",
             test->locations[frame - LITMUS_FRAME].name,
             value & LITMUS_PTE_AF ? "" : ", af:0",
             value & LITMUS_PTE_READ_ONLY ? ", db:0" : "",
             value & LITMUS_PTE_DBM ? ", dbm:1" : "",
             value & LITMUS_PTE_VALID ? "" : ", valid:0",
             value & LITMUS_PTE_EL0 ? "" : ", el0:0",
             value >> LITMUS_PTE_ATTR_SHIFT & 7 ? ", attrs:(...)" : "");
}

static void print_value(const struct litmus_test *test, uint64_t value,
                        char *text, size_t size)
{
    uint64_t n = test->n_locations;
    uint64_t frame = (value & LITMUS_PTE_FRAME) >> 12;
    uint64_t page = (value - LITMUS_VADDR) >> 12;

    if (value >= LITMUS_VADDR && page < n && !(value & 0xfff))
        snprintf(text, size, "%s", test->locations[page].name);
    else if (value >= LITMUS_VADDR && page < n)
        snprintf(text, size, "%s+%u", test->locations[page].name,
                 (unsigned) (value & 0xfff));
    else if (value >= LITMUS_PTE_VADDR && value < LITMUS_PTE_VADDR + 8 * n &&
             !(value & 7))
        snprintf(text, size, "PTE(%s)",
                 test->locations[(value - LITMUS_PTE_VADDR) / 8].name);
    else if (frame >= LITMUS_FRAME && frame < LITMUS_FRAME + n &&
             (value & 0xfff))
        print_descriptor(test, value, text, size);
    else if (frame >= LITMUS_FRAME && frame < LITMUS_FRAME + n &&
             value >> 12 == frame)
        snprintf(text, size, "phy_%s",
                 test->locations[frame - LITMUS_FRAME].name);
    else
        snprintf(text, size, "%" PRId64, (int64_t) value);
}

static void print_fault(const struct litmus_test *test,
                        const struct litmus_atom *atom, uint64_t value,
                        char *text, size_t size)
{
    const char *location = test->locations[atom->location].name;

    snprintf(text, size, "%sfault(P%u%s%s%s%s%s%s)", value ? "" : "~",
             (unsigned) atom->thread, atom->has_label ? ":" : "",
             atom->has_label ? atom->label_name : "",
             atom->has_location ? "," : "", atom->has_location ? location : "",
             atom->fault ? "," : "", print_fault_name(atom->fault));
}

void mmusim__litmus_print_atom(const struct litmus_test *test,
                               const struct litmus_atom *atom, uint64_t value,
                               char *text, size_t size_bytes)
{
    const char *location = test->locations[atom->location].name;
    char shown[128];

    if (atom->kind == LITMUS_ATOM_FAULT) {
        print_fault(test, atom, value, text, size_bytes);
        return;
    }
    if (atom->kind == LITMUS_ATOM_MEMORY &&
        test->locations[atom->location].element_bytes == 4)
        value = (uint64_t) (int64_t) (int32_t) (uint32_t) value;
    print_value(test, value, shown, sizeof(shown));
    if (atom->kind == LITMUS_ATOM_REGISTER)
        snprintf(text, size_bytes, "%u:X%u=%s", (unsigned) atom->thread,
                 (unsigned) atom->reg, shown);
    else if (atom->kind == LITMUS_ATOM_DESCRIPTOR)
        snprintf(text, size_bytes, "[PTE(%s)]=%s", location, shown);
    else if (atom->offset)
        snprintf(text, size_bytes, "%s[%u]=%s", location,
                 (unsigned) atom->offset /
                     test->locations[atom->location].element_bytes,
                 shown);
    else
        snprintf(text, size_bytes, "[%s]=%s", location, shown);
}
