/* SPDX-License-Identifier: MIT */
/*
 * The plan of a sweep that is kept in a store: machines, sources and swept
 * keys, whose product are the points, and all that their results depend on.
 *
 * Points are numbered from 0: machine by machine, within one source by
 * source, within one as the grid counts. The points of one machine and source
 * are a segment; blocks are runs of points of one segment, the unit in which
 * workers claim them.
 *
 * Two plans are the same if their ids are: a hash of version, configurations,
 * names and checksums of the sources, axes and options; paths and times of
 * files have no part in it.
 */
#ifndef MMUSIM_CLI_STORE_PLAN_H
#define MMUSIM_CLI_STORE_PLAN_H

#include "cli/sweep_plan.h"
#include "mmusim/config.h"

enum {
    STORE_MACHINES_MAX = 1000, /* guess: more is a mistake */
    STORE_SOURCES_MAX = 10000, /* guess */
};

struct store_machine {
    char *name;              /* as -m gave it */
    uint32_t crc;            /* of its file in machines/ */
    mmusim_config_t *config; /* with every -s, before the swept keys */
};

struct store_source {
    char *name; /* as the command line gave it */
    char *path; /* absolute; NULL: a workload */
    uint64_t bytes;
    int64_t mtime_ns;
    uint32_t crc;
    uint64_t records; /* of all threads; 0: unknown */
};

struct store_plan {
    uint64_t id;
    char *version;
    struct store_machine *machines;
    size_t n_machines;
    struct store_source *sources;
    size_t n_sources;
    struct sweep_plan grid;
    char *axis_texts[SWEEP_AXES_MAX]; /* as -p gave them, after the '=' */
    char *format;                     /* --from; NULL: told by content */
    bool salvages;
    bool is_per_core;
    size_t n_points;
    size_t block_points; /* of every block but a segment's last */
};

/* Counts points and blocks and makes the id, once the rest is filled in.
 * False: more than SWEEP_POINTS_MAX points. */
bool store_plan_finish(struct store_plan *plan);
void store_plan_fini(struct store_plan *plan);

size_t store_plan_segments(const struct store_plan *plan);
size_t store_plan_blocks(const struct store_plan *plan);

/* Where a point lies. */
struct store_place {
    size_t segment;
    size_t machine;
    size_t source;
    size_t grid_point;
};
struct store_place store_plan_place(const struct store_plan *plan,
                                    size_t point);

/* The points [*first, *end) of a block, and the block of a point. */
void store_plan_block(const struct store_plan *plan, size_t block,
                      size_t *first, size_t *end);
size_t store_plan_block_of(const struct store_plan *plan, size_t point);

/* "KEY=VALUE KEY=VALUE", before it machine and source if there are several. */
void store_plan_describe(const struct store_plan *plan, size_t point,
                         char *buffer, size_t size_bytes);

/* A configuration of its own for a point. */
mmusim_status_t store_plan_configure(const struct store_plan *plan,
                                     size_t point, mmusim_config_t **config,
                                     mmusim_diag_t *diag);

/* The plan as JSON; *text is the caller's. False: out of memory. */
bool store_plan_write(const struct store_plan *plan, char **text,
                      size_t *length);

/*
 * Reads what store_plan_write() wrote; the machines are without their
 * configurations. False: error says what is wrong, plan is finished.
 */
bool store_plan_read(struct store_plan *plan, const char *text, size_t length,
                     char error[SWEEP_ERROR_BYTES]);

#endif
