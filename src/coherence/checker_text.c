/* SPDX-License-Identifier: MIT */
/*
 * What the checker says of a violation, for somebody who has never seen the
 * simulator: what was used, why that was ruled out, the writes of the page's
 * table entry, the flushes that could have covered it, and what the CPUs
 * involved have done lately.
 */
#include "coherence/checker_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_FIRST_BYTES = 2048 };

struct text {
    char *bytes;
    size_t length, capacity;
    bool has_failed;
};

__attribute__((format(printf, 2, 3))) static void
text_add(struct text *text, const char *format, ...)
{
    char line[320];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (length < 0 || text->has_failed)
        return;
    if ((size_t) length >= sizeof(line))
        length = (int) sizeof(line) - 1;
    if (text->length + (size_t) length >= text->capacity) {
        size_t capacity = text->capacity * 2 + TEXT_FIRST_BYTES;
        char *bytes = realloc(text->bytes, capacity);

        if (!bytes) {
            text->has_failed = true;
            return;
        }
        text->bytes = bytes;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->length, line, (size_t) length + 1);
    text->length += (size_t) length;
}

static void text_space(char *name, size_t bytes, uint64_t mm)
{
    if (mm)
        snprintf(name, bytes, "address space %" PRIu64, mm);
    else
        snprintf(name, bytes, "the kernel's address space");
}

static const char *text_use(uint32_t need)
{
    return need == CHECKER_WRITE  ? "stored to"
           : need == CHECKER_EXEC ? "fetched from"
           : need                 ? "loaded from"
                                  : "walked for";
}

/* "frame 0x123 rw-d", "table 0x123", "nothing" */
static void text_word(const struct checker_word *word, char *name, size_t bytes)
{
    if (!word->is_present)
        snprintf(name, bytes, "nothing");
    else if (word->is_table)
        snprintf(name, bytes, "table %#" PRIx64, word->pfn);
    else
        snprintf(name, bytes, "frame %#" PRIx64 " %c%c%c%s", word->pfn,
                 word->rights & CHECKER_READ ? 'r' : '-',
                 word->rights & CHECKER_WRITE ? 'w' : '-',
                 word->rights & CHECKER_EXEC ? 'x' : '-',
                 word->rights & CHECKER_DIRTY ? " dirty" : "");
}

/* ---- why ---- */

static const char *text_kind(uint8_t kind)
{
    switch ((enum checker_change_kind) kind) {
    case CHANGE_GONE:
        return "unmapped the page";
    case CHANGE_FRAME:
        return "mapped another frame";
    case CHANGE_SIZE:
        return "exchanged a large page and a table in one write";
    case CHANGE_RIGHTS:
        return "took rights away";
    case CHANGE_CLEAN:
        return "made the page clean";
    case CHANGE_TABLE:
        return "withdrew the page table";
    }
    return "";
}

static void text_frame(struct text *text, const struct checker *checker,
                       const struct checker_found *found)
{
    const struct checker_frame *frame =
        mmusim__checker_frame(checker, found->pfn);
    bool is_table = found->verdict == CHECKER_UAF_TABLE ||
                    found->verdict == CHECKER_SW_WALK;

    if (frame && (found->verdict == CHECKER_UAF_PAGE || is_table))
        text_add(text, "  cycle %" PRIu64 ": CPU %u freed %s %#" PRIx64 "\n",
                 frame->freed_cycle, frame->freed_cpu,
                 is_table ? "the page table in frame" : "its frame",
                 found->pfn);
    else if (frame && found->verdict == CHECKER_LOST_DIRTY && found->change &&
             frame->taken_version > found->change->version)
        text_add(text,
                 "  cycle %" PRIu64
                 ": CPU %u took the contents of frame %#" PRIx64
                 ": later stores are lost\n",
                 frame->taken_cycle, frame->taken_cpu, found->pfn);
}

static void text_change(struct text *text, const struct checker_change *change)
{
    text_add(text, "  cycle %" PRIu64 ": CPU %u %s (frame %#" PRIx64 ")\n",
             change->cycle, change->cpu, text_kind(change->kind), change->pfn);
    if (change->closing == CLOSED_BY_FLUSH)
        text_add(text,
                 "  cycle %" PRIu64 ": CPU %u took a flush that covers it "
                 "for complete\n",
                 change->closed_cycle, change->closed_by_cpu);
    if (change->closing == CLOSED_BY_PROMISE)
        text_add(text, "  cycle %" PRIu64 ": CPU %u returned from %s\n",
                 change->closed_cycle, change->closed_by_cpu, change->promise);
}

/* ---- histories ---- */

static void text_writes(struct text *text, const struct checker_page *page)
{
    uint64_t n = page->n_writes;
    uint64_t i = n > CHECKER_PAGE_WRITES ? n - CHECKER_PAGE_WRITES : 0;

    text_add(text, "writes of its table entry (%s page):\n",
             page->shift > BASE_PAGE_SHIFT ? "large" : "small");
    for (; i < n; i++) {
        const struct checker_page_write *write =
            &page->writes[i % CHECKER_PAGE_WRITES];
        char before[64], after[64];

        text_word(&write->before, before, sizeof(before));
        text_word(&write->after, after, sizeof(after));
        text_add(text, "  cycle %" PRIu64 ": CPU %u: %s -> %s\n", write->cycle,
                 write->cpu, before, after);
    }
}

static bool text_flush_matters(const struct checker_flush *flush,
                               const struct checker_found *found)
{
    return flush->is_all_mms || flush->mm == found->mm;
}

static void text_flush(struct text *text, const struct checker_flush *flush,
                       const struct checker_found *found)
{
    bool covers = flush->end == CHECKER_END_ALL ||
                  (flush->start <= found->vaddr && found->vaddr < flush->end);
    char range[64] = "all";
    char end[48] = "not complete";

    if (flush->end != CHECKER_END_ALL)
        snprintf(range, sizeof(range), "[%#" PRIx64 ", %#" PRIx64 ")",
                 flush->start, flush->end);
    if (flush->end_cycle)
        snprintf(end, sizeof(end), "complete at %" PRIu64, flush->end_cycle);
    text_add(text, "  cycle %" PRIu64 ": CPU %u flushes %s%s, %s%s\n",
             flush->at.cycle, flush->at.cpu, range,
             flush->has_tables ? " and table pointers" : "", end,
             covers ? "" : " (another range)");
}

/* The last flushes that concern the address space. */
static void text_flushes(struct text *text, const struct checker *checker,
                         const struct checker_found *found)
{
    uint64_t n = checker->n_flushes;
    uint64_t first = n > CHECKER_FLUSHES ? n - CHECKER_FLUSHES : 0;
    uint64_t from = n;
    uint32_t n_shown = 0;

    while (from > first && n_shown < CHECKER_REPORT_FLUSHES) {
        from--;
        n_shown += text_flush_matters(&checker->flushes[from % CHECKER_FLUSHES],
                                      found);
    }
    text_add(text, "%s",
             n_shown ? "flushes of the address space:\n"
                     : "no flush of the address space is known\n");
    for (; from < n; from++) {
        const struct checker_flush *flush =
            &checker->flushes[from % CHECKER_FLUSHES];

        if (text_flush_matters(flush, found))
            text_flush(text, flush, found);
    }
}

static void text_event(struct text *text, const struct checker_event *event)
{
    char space[48];

    text_space(space, sizeof(space), event->mm);
    switch (event->kind) {
    case CHECKER_EV_SWITCH:
        text_add(text, "  cycle %" PRIu64 ": loads %s, ASID %" PRIu64 "\n",
                 event->cycle, space, event->detail);
        return;
    case CHECKER_EV_LAZY:
        text_add(text, "  cycle %" PRIu64 ": kernel thread, %s stays loaded\n",
                 event->cycle, space);
        return;
    case CHECKER_EV_INVAL:
        if (event->end == CHECKER_END_ALL)
            text_add(text, "  cycle %" PRIu64 ": drops all its entries\n",
                     event->cycle);
        else
            text_add(text,
                     "  cycle %" PRIu64 ": drops its entries of [%#" PRIx64
                     ", %#" PRIx64 ")\n",
                     event->cycle, event->start, event->end);
        return;
    case CHECKER_EV_IPI:
        text_add(text, "  cycle %" PRIu64 ": takes an interrupt to flush\n",
                 event->cycle);
        return;
    case CHECKER_EV_ASID:
        text_add(text, "  cycle %" PRIu64 ": gives ASID %" PRIu64 " to %s\n",
                 event->cycle, event->detail, space);
        return;
    }
}

static void text_cpu(struct text *text, const struct checker *checker,
                     uint32_t cpu)
{
    const struct checker_cpu *history = &checker->cpus[cpu];
    uint64_t n = history->n_events;
    uint64_t i = n > CHECKER_CPU_EVENTS ? n - CHECKER_CPU_EVENTS : 0;

    text_add(text, "CPU %u lately:%s\n", cpu, n ? "" : " nothing");
    for (; i < n; i++)
        text_event(text, &history->events[i % CHECKER_CPU_EVENTS]);
}

static void text_cpus(struct text *text, const struct checker *checker,
                      const struct checker_found *found)
{
    uint32_t cpu = found->at.cpu;

    if (cpu < checker->config.n_cpus)
        text_cpu(text, checker, cpu);
    if (found->change && found->change->cpu != cpu &&
        found->change->cpu < checker->config.n_cpus)
        text_cpu(text, checker, found->change->cpu);
}

char *mmusim__checker_text(const struct checker *checker,
                           const struct checker_found *found, uint64_t *bytes)
{
    struct text text = {NULL, 0, 0, false};
    char space[48];

    text_space(space, sizeof(space), found->mm);
    text_add(&text, "%s: %s\n", mmusim__checker_verdict_name(found->verdict),
             mmusim__checker_verdict_help(found->verdict));
    text_add(&text, "  cycle %" PRIu64 ": CPU %u %s %#" PRIx64 " of %s%s\n",
             found->at.cycle, found->at.cpu, text_use(found->need),
             found->vaddr, space, found->is_kernel ? ", in the kernel" : "");
    if (checker_stamp_space(found->stamp) != checker_space_number(found->mm))
        text_add(&text, "  by an entry of address space %" PRIu64 "\n",
                 checker_stamp_space(found->stamp));
    if (found->change)
        text_change(&text, found->change);
    text_frame(&text, checker, found);
    if (found->change && found->change->page)
        text_writes(&text, found->change->page);
    text_flushes(&text, checker, found);
    text_cpus(&text, checker, found);
    *bytes = text.length;
    if (!text.has_failed)
        return text.bytes;
    free(text.bytes);
    return NULL;
}

void mmusim__checker_note(struct checker *checker, uint32_t cpu,
                          const struct checker_event *event)
{
    struct checker_cpu *history = &checker->cpus[cpu];

    history->events[history->n_events++ % CHECKER_CPU_EVENTS] = *event;
}

/* ---- reports ---- */

static bool text_is_same(const struct checker_report *report,
                         const struct checker_found *found)
{
    return report->verdict == found->verdict && report->mm == found->mm &&
           report->vaddr >> BASE_PAGE_SHIFT ==
               found->vaddr >> BASE_PAGE_SHIFT &&
           report->at.cpu == found->at.cpu && report->pfn == found->pfn;
}

void mmusim__checker_tell(struct checker *checker,
                          const struct checker_found *found)
{
    struct checker_report *report;

    for (size_t i = 0; i < checker->n_reports; i++) {
        if (text_is_same(&checker->reports[i], found)) {
            checker->reports[i].n_uses++;
            return;
        }
    }
    if (checker->n_reports == checker->config.max_reports)
        return;
    report = &checker->reports[checker->n_reports++];
    *report = (struct checker_report){
        .verdict = found->verdict,
        .at = found->at,
        .mm = found->mm,
        .vaddr = found->vaddr,
        .stamp_mm = checker_stamp_space(found->stamp),
        .need = found->need,
        .is_kernel = found->is_kernel,
        .pfn = found->pfn,
        .n_uses = 1,
    };
    report->text = mmusim__checker_text(checker, found, &report->text_bytes);
    checker->has_failed |= !report->text;
}
