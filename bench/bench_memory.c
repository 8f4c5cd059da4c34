/* SPDX-License-Identifier: MIT */
/*
 * Peak resident memory of whole runs against the law
 *     32 MiB + 128 KiB per logical CPU + 192 KiB per live trace thread
 *     + 4 KiB per page-table page + 100 bytes per resident page
 *     + 8 bytes per (core, page) pair that the core has touched.
 * Each run is a process of its own; the source makes its records on the way,
 * so that nothing here grows with their number. Prints MiB and the ratio.
 */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include "machine/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE_RECORDS = 4096, BASE_MIB = 32 };

struct shape {
    const char *name;
    uint32_t n_cpus;
    uint32_t n_threads;
    uint64_t pages;      /* of each thread */
    uint64_t step_pages; /* from one touched page to the next */
    uint32_t rounds;     /* over its pages */
    bool is_shared;      /* all threads touch the same pages */
};

static const struct shape shapes[] = {
    {"1 CPU, 1 page", 1, 1, 1, 1, 100000, false},
    {"1 CPU, 1 M pages", 1, 1, 1000000, 1, 2, false},
    {"1 CPU, 100,000 pages a table apart", 1, 1, 100000, 512, 2, false},
    {"4 CPUs, 100,000 pages each", 4, 4, 100000, 1, 3, false},
    {"16 CPUs, the same 100,000 pages", 16, 16, 100000, 1, 2, true},
    {"64 CPUs, 64 threads, 2,000 pages each", 64, 64, 2000, 1, 5, false},
    {"256 CPUs, 256 threads, 500 pages each", 256, 256, 500, 1, 5, false},
    {"256 CPUs, 1 thread", 256, 1, 10, 1, 1000, false},
};

/* ---- the source: stores over the thread's pages, made piece by piece ---- */

struct stores {
    struct mmusim_source source;
    const struct shape *shape;
    struct source_thread *heads;
    uint64_t *done; /* records of each thread so far */
    struct op_record (*buffers)[PIECE_RECORDS];
    struct sys_op *clones; /* of thread 0 */
};

static uint64_t stores_vaddr(const struct shape *shape, uint32_t thread,
                             uint64_t page)
{
    uint64_t first = shape->is_shared ? 0 : thread * shape->pages;

    return (UINT64_C(1) << 33) + ((first + page) * shape->step_pages << 12);
}

static mmusim_status_t stores_next(struct mmusim_source *source,
                                   uint32_t thread, struct op_piece *piece,
                                   mmusim_diag_t *diag)
{
    struct stores *stores = (struct stores *) source;
    const struct shape *shape = stores->shape;
    uint64_t n_clones = thread ? 0 : shape->n_threads - 1;
    uint64_t total = n_clones + shape->pages * shape->rounds;
    uint64_t *done = &stores->done[thread];

    (void) diag;
    memset(piece, 0, sizeof(*piece));
    piece->records = stores->buffers[thread];
    piece->sys = stores->clones;
    piece->first_record = *done;
    for (; piece->n_records < PIECE_RECORDS && *done < total; ++*done) {
        struct op_record *record = &stores->buffers[thread][piece->n_records++];

        if (*done < n_clones) {
            *record =
                (struct op_record){0, piece->n_sys++, op_meta(OP_SYS, 0, 0)};
            continue;
        }
        *record = (struct op_record){
            stores_vaddr(shape, thread, (*done - n_clones) % shape->pages), 1,
            op_meta(OP_STORE, 0, 8)};
        piece->instructions++;
    }
    return MMUSIM_OK;
}

static void stores_destroy(struct mmusim_source *source)
{
    (void) source; /* the process ends */
}

static void *allocated(size_t n, size_t size)
{
    void *memory = calloc(n, size);

    if (!memory)
        exit(1);
    return memory;
}

static struct mmusim_source *stores_create(const struct shape *shape)
{
    static const struct source_ops ops = {.next = stores_next,
                                          .destroy = stores_destroy};
    struct stores *stores = allocated(1, sizeof(*stores));

    stores->shape = shape;
    stores->heads = allocated(shape->n_threads, sizeof(*stores->heads));
    stores->done = allocated(shape->n_threads, sizeof(*stores->done));
    stores->buffers = allocated(shape->n_threads, sizeof(*stores->buffers));
    stores->clones = allocated(shape->n_threads, sizeof(*stores->clones));
    for (uint32_t i = 0; i < shape->n_threads; i++) {
        stores->heads[i] = (struct source_thread){i + 1, 0, i > 0};
        stores->clones[i] = (struct sys_op){.kind = SYS_CLONE, .number = i + 2};
    }
    stores->source = (struct mmusim_source){.ops = &ops,
                                            .name = shape->name,
                                            .n_threads = shape->n_threads,
                                            .threads = stores->heads};
    return &stores->source;
}

/* ---- one run ---- */

/* At the machine's largest, before the last exit, tables can be counted only
 * from outside: what the pages' addresses need. */
static uint64_t law_tables(const struct shape *shape)
{
    uint64_t n_pages = shape->pages * (shape->is_shared ? 1 : shape->n_threads);
    uint64_t span = n_pages * shape->step_pages;
    uint64_t leaves = shape->step_pages >= 512 ? n_pages : span / 512 + 1;

    return leaves + span / (512 * 512) + 1 + span / (512 * 512 * 512) + 1 + 2;
}

static double law_bytes(const struct shape *shape)
{
    uint64_t n_pages = shape->pages * (shape->is_shared ? 1 : shape->n_threads);
    uint64_t n_pairs = shape->pages * shape->n_threads;

    return BASE_MIB * 1048576.0 + 131072.0 * shape->n_cpus +
           196608.0 * shape->n_threads + 4096.0 * (double) law_tables(shape) +
           100.0 * (double) n_pages + 8.0 * (double) n_pairs;
}

static void run_shape(const struct shape *shape)
{
    struct machine_config config;
    mmusim_machine_t *machine;
    mmusim_diag_t diag = {0};
    struct rusage usage;
    double bytes;

    mmusim__machine_config_init(&config);
    config.cores_per_socket = shape->n_cpus;
    if (mmusim__machine_create(&config, &machine, &diag) ||
        mmusim_machine_run(machine, stores_create(shape), &diag)) {
        printf("%s: %s\n", shape->name, diag.text);
        exit(1);
    }
    getrusage(RUSAGE_SELF, &usage);
    bytes = (double) usage.ru_maxrss * 1024;
    printf("%-42s %8.1f %8.1f %6.2f\n", shape->name, bytes / 1048576,
           law_bytes(shape) / 1048576, bytes / law_bytes(shape));
    fflush(stdout);
    _exit(0);
}

int main(void)
{
    int worst = 0;

    printf("%-42s %8s %8s %6s\n", "peak resident memory, MiB", "run", "law",
           "ratio");
    fflush(stdout);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        pid_t child = fork();
        int status = 1;

        if (child == 0)
            run_shape(&shapes[i]);
        if (child > 0)
            waitpid(child, &status, 0);
        worst |= status;
    }
    return worst != 0;
}
