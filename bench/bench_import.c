/* SPDX-License-Identifier: MIT */
/*
 * Importing traces: lackey text, ChampSim records and drmemtrace (without the
 * instructions' encodings), plain and packed, made of one thread of a native
 * trace, several times over (traces/sort.mmt without an argument). For each
 * file the fastest of three runs, by wall-clock and by CPU time: unpacking by
 * the command that does nothing else, our stream of bytes alone, the whole
 * import into a native trace; ratios to the first.
 */
#define _POSIX_C_SOURCE 200809L

#include "mmusim/trace.h"
#include "trace/byte_stream.h"
#include "trace/drmem_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { N_RUNS = 3, N_COPIES = 8, N_RECORDS = 400000 };

struct timing {
    double wall_s;
    double cpu_s;
};

struct subject {
    const char *format;
    const char *packing; /* NULL: plain */
    const char *command; /* that only unpacks */
    const char *unit;
};

static const struct subject subjects[] = {
    {"lackey", NULL, "cat", "records"},
    {"lackey", "gzip", "zcat", "records"},
    {"lackey", "zstd", "zstdcat", "records"},
    {"champsim", NULL, "cat", "instructions"},
    {"champsim", "gzip", "zcat", "instructions"},
    {"champsim", "xz", "xzcat", "instructions"},
    {"drmemtrace", NULL, "cat", "records"},
    {"drmemtrace", "gzip", "zcat", "records"},
};

static double seconds_of(const struct timeval *time)
{
    return (double) time->tv_sec + 1e-6 * (double) time->tv_usec;
}

static struct timing now(void)
{
    struct timespec wall;
    struct rusage self, children;

    clock_gettime(CLOCK_MONOTONIC, &wall);
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    return (struct timing){
        (double) wall.tv_sec + 1e-9 * (double) wall.tv_nsec,
        seconds_of(&self.ru_utime) + seconds_of(&self.ru_stime) +
            seconds_of(&children.ru_utime) + seconds_of(&children.ru_stime)};
}

static void keep_fastest(struct timing *best, const struct timing *begin)
{
    struct timing end = now();

    if (end.wall_s - begin->wall_s < best->wall_s)
        best->wall_s = end.wall_s - begin->wall_s;
    if (end.cpu_s - begin->cpu_s < best->cpu_s)
        best->cpu_s = end.cpu_s - begin->cpu_s;
}

struct made {
    char *bytes;
    size_t n_bytes;
};

static int keep_bytes(void *context, const char *bytes, size_t n_bytes)
{
    struct made *made = context;
    char *grown = realloc(made->bytes, made->n_bytes + n_bytes);

    if (!grown)
        return 1;
    memcpy(grown + made->n_bytes, bytes, n_bytes);
    made->bytes = grown;
    made->n_bytes += n_bytes;
    return 0;
}

/* ---- drmemtrace ---- */

static int put_drmem(struct made *made, enum drmem_type type, uint64_t size,
                     uint64_t value)
{
    char bytes[DRMEM_RECORD_BYTES] = {(char) type, 0, (char) size,
                                      (char) (size >> 8)};

    for (unsigned i = 0; i < 8; i++)
        bytes[4 + i] = (char) (value >> (8 * i));
    return keep_bytes(made, bytes, sizeof(bytes));
}

/* A line of a text trace: TID i VADDR COUNT BYTES, TID r|w VADDR BYTES. */
static int keep_drmem(void *context, const char *line, size_t n_bytes)
{
    struct made *made = context;
    uint64_t vaddr, a, b;
    char kind;
    int n;

    (void) n_bytes;
    n = sscanf(line, "%*u %c 0x%" SCNx64 " %" SCNu64 " %" SCNu64, &kind, &vaddr,
               &a, &b);
    if (n == 3 && (kind == 'r' || kind == 'w'))
        return put_drmem(made, kind == 'r' ? DRMEM_LOAD : DRMEM_STORE, a,
                         vaddr);
    for (uint64_t i = 0; n == 4 && kind == 'i' && i < a; i++) {
        if (put_drmem(made, DRMEM_FETCH_FIRST, b / a, vaddr + i * (b / a)))
            return 1;
    }
    return 0;
}

/* What a thread's file begins with, and ends. */
static bool write_drmem(gzFile file, const struct made *body)
{
    struct made head = {0}, foot = {0};
    bool is_good =
        !put_drmem(&head, DRMEM_HEADER, 0, DRMEM_VERSION_MAX) &&
        !put_drmem(&head, DRMEM_MARKER, DRMEM_VERSION, DRMEM_VERSION_MAX) &&
        !put_drmem(&head, DRMEM_MARKER, DRMEM_FILE_TYPE, DRMEM_X86_64) &&
        !put_drmem(&head, DRMEM_THREAD, 0, 1) &&
        !put_drmem(&head, DRMEM_PID, 0, 1) &&
        !put_drmem(&foot, DRMEM_THREAD_EXIT, 0, 1) &&
        !put_drmem(&foot, DRMEM_FOOTER, 0, 0) &&
        gzwrite(file, head.bytes, (unsigned) head.n_bytes) > 0;

    for (int i = 0; is_good && i < N_COPIES; i++)
        is_good = gzwrite(file, body->bytes, (unsigned) body->n_bytes) > 0;
    is_good = is_good && gzwrite(file, foot.bytes, (unsigned) foot.n_bytes) > 0;
    free(head.bytes);
    free(foot.bytes);
    return is_good;
}

static bool make_drmem(mmusim_trace_t *trace,
                       const mmusim_trace_selection_t *selection,
                       const struct subject *subject, const char *path)
{
    struct made body = {0};
    gzFile file = gzopen(path, subject->packing ? "wb" : "wbT");
    mmusim_diag_t diag;
    bool is_good =
        file && !mmusim_trace_cat(trace, selection, keep_drmem, &body, &diag) &&
        write_drmem(file, &body);

    is_good = file && gzclose(file) == Z_OK && is_good;
    free(body.bytes);
    return is_good;
}

/* The start of the longest thread, N_COPIES members back to back; false: not
 * packable. */
static bool make_file(const char *native, const struct subject *subject,
                      const char *path)
{
    mmusim_trace_t *trace;
    mmusim_diag_t diag;
    uint32_t tid, longest = 0;
    uint64_t n_records, most = 0;
    mmusim_trace_selection_t selection = {
        .tids = &longest, .n_tids = 1, .end_record = N_RECORDS};
    FILE *file = fopen(path, "wb");
    struct made made = {0};
    mmusim_trace_target_t to = {.format = subject->format,
                                .packing = subject->packing,
                                .selection = &selection,
                                .write = keep_bytes,
                                .context = &made};
    bool is_good = file && !mmusim_trace_open(native, NULL, &trace, &diag);

    for (uint32_t i = 0;
         is_good && mmusim_trace_thread(trace, i, &tid, &n_records); i++) {
        if (n_records > most)
            longest = tid;
        if (n_records > most)
            most = n_records;
    }
    if (is_good && !strcmp(subject->format, "drmemtrace")) {
        fclose(file);
        is_good = make_drmem(trace, &selection, subject, path);
        mmusim_trace_close(trace);
        return is_good;
    }
    is_good = is_good && !mmusim_trace_export(trace, &to, &diag);
    for (int i = 0; is_good && i < N_COPIES; i++)
        is_good = fwrite(made.bytes, 1, made.n_bytes, file) == made.n_bytes;
    free(made.bytes);
    if (file)
        fclose(file);
    mmusim_trace_close(trace);
    return is_good;
}

static void time_command(const char *command, const char *path,
                         struct timing *best)
{
    struct timing begin = now();
    char line[512];

    snprintf(line, sizeof(line), "%s %s >/dev/null 2>&1", command, path);
    if (system(line))
        return;
    keep_fastest(best, &begin);
}

static uint64_t time_stream(const char *path, struct timing *best)
{
    struct timing begin = now();
    struct byte_stream *stream;
    uint64_t n_bytes = UINT64_MAX;

    if (mmusim__byte_stream_open(path, &stream, NULL) ||
        mmusim__byte_stream_begin(stream, NULL) ||
        mmusim__byte_stream_skip(stream, &n_bytes, NULL))
        exit(1);
    mmusim__byte_stream_close(stream);
    keep_fastest(best, &begin);
    return n_bytes;
}

static mmusim_trace_info_t time_import(const char *path, struct timing *best)
{
    struct timing begin = now();
    mmusim_trace_info_t info;
    mmusim_trace_t *trace;
    mmusim_diag_t diag;

    if (mmusim_trace_open(path, NULL, &trace, &diag))
        exit(1);
    keep_fastest(best, &begin);
    if (mmusim_trace_info(trace, &info, &diag))
        exit(1);
    mmusim_trace_close(trace);
    return info;
}

static void print_row(const char *what, const struct timing *time, double n,
                      const struct timing *alone)
{
    printf("  %-8s %7.1f M/s by wall-clock, %7.1f M/s by CPU time; %5.2f, "
           "%5.2f times the command's\n",
           what, n / time->wall_s / 1e6, n / time->cpu_s / 1e6,
           time->wall_s / alone->wall_s, time->cpu_s / alone->cpu_s);
}

static void run_subject(const char *native, const struct subject *subject)
{
    char path[] = "/tmp/bench-import-XXXXXX";
    struct timing alone = {1e9, 1e9}, stream = alone, import = alone;
    mmusim_trace_info_t info = {0};
    uint64_t n_bytes = 0;
    double n;

    close(mkstemp(path));
    if (!make_file(native, subject, path)) {
        printf("%s, %s: cannot be made in this build\n", subject->format,
               subject->packing);
        unlink(path);
        return;
    }
    for (int i = 0; i < N_RUNS; i++) {
        time_command(subject->command, path, &alone);
        n_bytes = time_stream(path, &stream);
        info = time_import(path, &import);
    }
    if (!strcmp(subject->format, "drmemtrace"))
        n = (double) (n_bytes / DRMEM_RECORD_BYTES);
    else
        n = (double) (strcmp(subject->format, "lackey") ? info.fetches
                                                        : info.records);
    printf("%s, %s: %.1f M %s, %.1f MB unpacked\n", subject->format,
           subject->packing ? subject->packing : "plain", n / 1e6,
           subject->unit, (double) n_bytes / 1e6);
    print_row(subject->command, &alone, n, &alone);
    print_row("stream", &stream, n, &alone);
    print_row("import", &import, n, &alone);
    fflush(stdout);
    unlink(path);
}

int main(int argc, char **argv)
{
    const char *native = argc < 2 ? "traces/sort.mmt" : argv[1];

    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
        run_subject(native, &subjects[i]);
    return 0;
}
