/* SPDX-License-Identifier: MIT */
/* Lines of `perf script` and `trace-cmd report`: tools/perf/builtin-script.c
 * (perf_sample__fprintf_start), trace-cmd's tep_print_event. */
#include "trace/kernel_event.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EVENT_FRACTION_DIGITS = 9 };

static bool event_number(const char **at, uint64_t max, uint64_t *value)
{
    char *end;

    if (!isdigit((unsigned char) **at))
        return false;
    errno = 0;
    *value = strtoull(*at, &end, 10);
    *at = end;
    return !errno && *value <= max;
}

/* SECONDS.FRACTION: */
static bool event_time(const char **at, uint64_t *ns)
{
    uint64_t seconds;
    uint64_t fraction = 0;
    unsigned n = 0;

    if (!event_number(at, UINT32_MAX, &seconds) || *(*at)++ != '.')
        return false;
    for (; isdigit((unsigned char) **at); ++*at) {
        if (n++ < EVENT_FRACTION_DIGITS)
            fraction = fraction * 10 + (uint64_t) (**at - '0');
    }
    for (; n < EVENT_FRACTION_DIGITS; n++)
        fraction *= 10;
    *ns = seconds * 1000000000 + fraction;
    return *(*at)++ == ':';
}

/* " [CPU] " with a task before and a time behind it: where it begins. */
static char *event_find_cpu(char *line, struct kernel_event *event)
{
    for (char *open = strstr(line, " ["); open; open = strstr(open + 1, " [")) {
        const char *at = open + 2;
        uint64_t cpu;

        if (!event_number(&at, UINT16_MAX, &cpu) || *at++ != ']')
            continue;
        at += strspn(at, " \t");
        if (!isdigit((unsigned char) *at)) /* trace-cmd's flags */
            at += strcspn(at, " \t");
        at += strspn(at, " \t");
        if (!event_time(&at, &event->ns))
            continue;
        event->cpu = (uint32_t) cpu;
        event->fields = at;
        return open;
    }
    return NULL;
}

/* COMM PID, COMM PID/TID or COMM-PID, ended at `end`. */
static bool event_task(char *line, char *end, struct kernel_event *event)
{
    uint64_t first, second;
    const char *at;
    char *word;

    while (end > line && isspace((unsigned char) end[-1]))
        end--;
    *end = '\0';
    for (word = end;
         word > line && (isdigit((unsigned char) word[-1]) || word[-1] == '/');)
        word--;
    at = word;
    if (!event_number(&at, UINT32_MAX, &first))
        return false;
    second = first;
    if (*at == '/' && (++at, !event_number(&at, UINT32_MAX, &second)))
        return false;
    if (*at || word == line)
        return false;
    event->tool = word[-1] == '-' ? KERNEL_EVENT_TRACE_CMD : KERNEL_EVENT_PERF;
    event->tid = (uint32_t) second;
    event->pid = strchr(word, '/') ? (uint32_t) first : 0;
    word[-1] = '\0';
    event->comm = line + strspn(line, " \t");
    return word[-1] == '\0' && *event->comm;
}

/* SYSTEM:EVENT: FIELDS; the system may be missing. */
static bool event_name(struct kernel_event *event)
{
    char *at = (char *) (uintptr_t) event->fields;
    char *end;
    char *colon;

    at += strspn(at, " \t");
    end = at + strcspn(at, " \t");
    if (end == at || end[-1] != ':')
        return false;
    event->fields = end + strspn(end, " \t");
    end[-1] = '\0';
    colon = strrchr(at, ':');
    event->name = colon ? colon + 1 : at;
    return *event->name != '\0';
}

/* What the tools print besides events. */
static bool event_is_other(const char *line)
{
    const char *at = line + strspn(line, " \t");

    return !*at || *at == '#' || !strncmp(at, "cpus=", 5) ||
           !strncmp(at, "CPU ", 4) || !strncmp(at, "version = ", 10) ||
           (at > line && isxdigit((unsigned char) *at)) || *at == '=';
}

enum kernel_event_line mmusim__kernel_event_parse(char *line,
                                                  struct kernel_event *event)
{
    char *open;

    line[strcspn(line, "\r")] = '\0';
    open = event_find_cpu(line, event);
    if (open && event_task(line, open, event) && event_name(event))
        return KERNEL_EVENT;
    return !open && event_is_other(line) ? KERNEL_EVENT_OTHER
                                         : KERNEL_EVENT_WRONG;
}

enum kernel_event_field
mmusim__kernel_event_field(const struct kernel_event *event, const char *key,
                           uint64_t *value)
{
    size_t n = strlen(key);
    const char *at = event->fields;
    char *end;

    while ((at = strstr(at, key))) {
        bool begins = at == event->fields || at[-1] == ' ' || at[-1] == ',';

        at += n;
        if (begins && (*at == ':' || *at == '='))
            break;
    }
    if (!at)
        return KERNEL_FIELD_ABSENT;
    at += 1 + strspn(at + 1, " ");
    errno = 0;
    *value = *at == '-'
                 ? (uint64_t) strtoll(at, &end, 10)
                 : strtoull(at, &end, at[0] == '0' && at[1] == 'x' ? 16 : 10);
    return end != at && !errno && (!*end || *end == ',' || *end == ' ')
               ? KERNEL_FIELD
               : KERNEL_FIELD_WRONG;
}
