/* SPDX-License-Identifier: MIT */
/*
 * A line of kernel trace events as text:
 *
 *   perf script       COMM PID[/TID] [CPU] SECONDS.FRACTION: SYSTEM:EVENT:
 * FIELDS trace-cmd report  COMM-PID [CPU] [FLAGS] SECONDS.FRACTION: EVENT:
 * FIELDS
 *
 * COMM may hold blanks and dashes.
 */
#ifndef MMUSIM_TRACE_KERNEL_EVENT_H
#define MMUSIM_TRACE_KERNEL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

enum kernel_event_tool { KERNEL_EVENT_PERF, KERNEL_EVENT_TRACE_CMD };

struct kernel_event {
    enum kernel_event_tool tool;
    uint32_t pid; /* of the process; 0: not said */
    uint32_t tid;
    uint32_t cpu;
    uint64_t ns;
    const char *comm; /* all texts are pieces of the line */
    const char *name; /* "sys_enter_mmap" */
    const char *fields;
};

enum kernel_event_line {
    KERNEL_EVENT,
    KERNEL_EVENT_OTHER, /* blank, a comment, a call chain, "cpus=4" */
    KERNEL_EVENT_WRONG, /* no line of either tool */
};

/* Takes a terminated line apart, which is changed. */
enum kernel_event_line mmusim__kernel_event_parse(char *line,
                                                  struct kernel_event *event);

enum kernel_event_field {
    KERNEL_FIELD,
    KERNEL_FIELD_ABSENT,
    KERNEL_FIELD_WRONG, /* what is there is no number */
};

/* The number behind "KEY: " or "KEY=" in the fields, decimal, negative or
 * 0x. */
enum kernel_event_field
mmusim__kernel_event_field(const struct kernel_event *event, const char *key,
                           uint64_t *value);

#endif
