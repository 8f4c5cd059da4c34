/* SPDX-License-Identifier: MIT */
/* What the files of a timeline share: its state, and the tracks of its CPUs. */
#ifndef MMUSIM_CLI_TIMELINE_PARTS_H
#define MMUSIM_CLI_TIMELINE_PARTS_H

#include "cli/event_file.h"
#include "cli/timeline_window.h"

enum {
    TIMELINE_PID = 1,
    TRACKS_PER_CPU = 100, /* the CPU's own, then its walkers' */
    LANE_DEPTH = 32,
    LANE_ARGS_BYTES = 1024,
    TEXT_BYTES = 512,
    /* More than a browser opens with ease (guess: some hundred bytes each). */
    MANY_EVENTS = 1000000,
};

/* A slice that is open on a CPU's track. */
struct lane_slice {
    const char *name;
    const char *category;
    uint64_t begin_cycle;
    uint64_t vaddr;
    int is_written; /* its B event */
};

/* An arrow whose head waits for the slice that it points to. */
struct lane_arrow {
    mmusim_ipi_event_t ipi;
    struct lane_arrow *next;
};

struct lane {
    struct lane_slice slices[LANE_DEPTH]; /* the thread's is the first */
    uint32_t depth;
    uint32_t tid; /* of slices[0]; 0: there is none */
    char thread_name[24];
    char args[LANE_ARGS_BYTES]; /* of the slice that ends next */
    struct lane_arrow *arrows;
    uint64_t named_walkers; /* whose tracks have their names */
    int is_named;
    mmusim_miss_event_t miss; /* the last one told */
    uint64_t until;
};

struct timeline {
    struct event_file *file;
    const char *path;
    struct timeline_window window;
    mmusim_machine_t *machine;
    uint64_t clock_khz;
    uint32_t n_cpus;
    uint64_t n_arrows;
    struct lane *lanes;
    int has_failed; /* out of memory */
};

/* ---- timeline_track.c ---- */

struct stamp {
    uint64_t us;
    unsigned ns;
};

struct stamp timeline_stamp(const struct timeline *timeline, uint64_t cycle);
/* The number of a CPU's track, which is named at its first use. */
unsigned timeline_track(struct timeline *timeline, uint32_t cpu);
void timeline_name_track(struct timeline *timeline, unsigned track,
                         const char *name);
/* One slice of a track. Its name and args are printed as they are: the tool's
 * own, or escaped. args: more members of the args object, each after a comma;
 * they come with the end, where all is known, and the beginning has none, for
 * viewers that tell slices of one name apart by their arguments. */
void timeline_begin_slice(struct timeline *timeline, unsigned track,
                          const struct lane_slice *slice);
void timeline_end_slice(struct timeline *timeline, unsigned track,
                        const struct lane_slice *slice, uint64_t end,
                        const char *args);

/* The slices that are open on a CPU's track. What begins before the window is
 * shown when the window has something to show in it. */
void lane_push(struct timeline *timeline, uint32_t cpu,
               const struct lane_slice *slice);
void lane_pop(struct timeline *timeline, uint32_t cpu, uint64_t cycle);
void lane_show(struct timeline *timeline, uint32_t cpu);
/* The CPU's thread from a cycle on, the outermost slice; 0: none. */
void lane_set_thread(struct timeline *timeline, uint32_t cpu, uint32_t tid,
                     uint64_t cycle);
/* Keeps an arrow until its head can be drawn: between the B and E events of the
 * span that it points to. */
void lane_keep_arrow(struct timeline *timeline,
                     const mmusim_ipi_event_t *event);
void lane_draw_arrows(struct timeline *timeline, const mmusim_span_t *span);

/* ---- timeline_events.c ---- */

/* What a machine is to tell, to this timeline. */
mmusim_observer_t timeline_observer(struct timeline *timeline);

#endif
