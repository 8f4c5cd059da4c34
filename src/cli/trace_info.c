/* SPDX-License-Identifier: MIT */
/* mmusim trace info: the text; trace_info_json.c has the JSON. */
#include "cli/trace_info.h"

#include "cli/cli.h"
#include "cli/trace_info_json.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    INFO_REGIONS = 16,
    INFO_WINDOWS = 20,
    INFO_JSON_WINDOWS = 256, /* as many as there are */
    INFO_NAMES = 32,         /* marks and images in the text */
    INFO_BAR = 40,
};

/* ---- counts ---- */

static void info_print_operations(const mmusim_trace_info_t *info)
{
    printf("operations        %" PRIu64 "\n", info->operations);
    for (uint32_t i = 0; mmusim_trace_operation_name(i); i++) {
        if (info->operations_of[i] == 0)
            continue;
        printf("  %-15s %" PRIu64, mmusim_trace_operation_name(i),
               info->operations_of[i]);
        if (info->operation_pages_of[i])
            printf(" (%" PRIu64 " pages, the largest %" PRIu64 ")",
                   info->operation_pages_of[i], info->largest_pages_of[i]);
        printf("\n");
    }
}

/* The file; of another format than ours it is the user's that counts, not what
 * it became. */
static void info_print_file(const mmusim_trace_t *trace,
                            const mmusim_trace_info_t *info)
{
    mmusim_trace_foreign_t foreign;

    if (mmusim_trace_foreign(trace, &foreign)) {
        printf("format            %s%s%s\n", mmusim_trace_format(trace),
               foreign.packing ? ", " : "",
               foreign.packing ? foreign.packing : "");
        if (foreign.bytes)
            printf("bytes             %" PRIu64 "\n", foreign.bytes);
        return;
    }
    printf("format            native, version %" PRIu32 ", %s\n", info->version,
           info->codec);
    printf("blocks            %" PRIu32 "%s\n", info->n_blocks,
           info->has_index ? "" : " (no index: unfinished or cut short)");
    printf("bytes             %" PRIu64 " (unpacked %" PRIu64 ")\n",
           info->packed_bytes, info->unpacked_bytes);
}

static void info_print_counts(const mmusim_trace_t *trace,
                              const mmusim_trace_info_t *info)
{
    uint64_t accesses = info->loads + info->stores;
    mmusim_trace_foreign_t foreign;
    uint64_t records;
    uint32_t tid;

    info_print_file(trace, info);
    printf("threads           %" PRIu32 "\n", info->n_threads);
    printf("records           %" PRIu64 "\n", info->records);
    printf("instructions      %" PRIu64 "\n", info->instructions);
    printf("fetches           %" PRIu64 "\n", info->fetches);
    printf("accesses          %" PRIu64 " (%" PRIu64 " loads, %" PRIu64
           " stores)\n",
           accesses, info->loads, info->stores);
    if (accesses && !mmusim_trace_foreign(trace, &foreign))
        printf("bytes per access  %.3f\n",
               (double) info->packed_bytes / (double) accesses);
    printf("pages             %" PRIu64 " of 4 KiB%s\n", info->pages,
           info->pages < MMUSIM_TRACE_PAGES_MAX ? "" : " or more");
    info_print_operations(info);
    for (uint32_t i = 0; mmusim_trace_thread(trace, i, &tid, &records); i++)
        printf("thread %-10" PRIu32 " %" PRIu64 " records\n", tid, records);
}

/* ---- regions ---- */

static void info_print_regions(const struct trace_info_data *data)
{
    mmusim_trace_region_t region;
    size_t n_all = 0;

    while (mmusim_trace_region_at(data->profile, n_all, &region))
        n_all++;
    printf("regions           %zu of 1 MiB touched%s\n", n_all,
           data->n_regions && n_all ? ", the busiest first" : "");
    if (data->n_regions && n_all)
        printf("  %-18s %5s %13s %13s %13s\n", "address", "pages", "fetches",
               "loads", "stores");
    for (size_t i = 0; i < data->n_regions &&
                       mmusim_trace_region_at(data->profile, i, &region);
         i++)
        printf("  0x%-16" PRIx64 " %5" PRIu64 " %13" PRIu64 " %13" PRIu64
               " %13" PRIu64 "\n",
               region.vaddr, region.pages, region.fetches, region.loads,
               region.stores);
    if (n_all > data->n_regions && data->n_regions)
        printf("  %zu more (--regions N lists N)\n",
               n_all - (size_t) data->n_regions);
    if (data->left_out.accesses)
        printf("  %" PRIu64 " more fetches, loads and stores elsewhere: there "
               "are too many regions to keep\n",
               data->left_out.accesses);
}

/* ---- the working set ---- */

static void info_print_windows(const struct trace_info_data *data)
{
    static const char bar[INFO_BAR + 1] =
        "########################################";
    size_t n_windows = (size_t) data->n_windows;
    mmusim_working_set_window_t window;
    uint64_t length = 0;
    uint64_t most = 1;

    for (size_t i = 0;
         mmusim_working_set_at_most(data->working_set, n_windows, i, &window);
         i++) {
        length = i == 0 ? window.n_accesses : length;
        most = window.pages > most ? window.pages : most;
    }
    if (!length)
        return;
    printf("working set       windows of %" PRIu64
           " fetches, loads and stores%s\n",
           length,
           mmusim_working_set_is_cut(data->working_set)
               ? "; at least, there are too many pages"
               : "");
    printf("  %-18s %9s %9s\n", "from", "pages", "new");
    for (size_t i = 0;
         mmusim_working_set_at_most(data->working_set, n_windows, i, &window);
         i++)
        printf("  %-18" PRIu64 " %9" PRIu64 " %9" PRIu64 " %.*s\n",
               window.first_access, window.pages, window.new_pages,
               (int) ((window.pages * INFO_BAR + most - 1) / most), bar);
}

/* ---- marks and images ---- */

static void info_print_more(size_t n_printed, uint64_t n)
{
    if (n > n_printed)
        printf("  %" PRIu64 " more (--format json lists all)\n", n - n_printed);
}

static void info_print_marks(const struct trace_info_data *data)
{
    mmusim_trace_mark_t mark;
    size_t n = 0;

    for (; mmusim_trace_mark_at(data->profile, n, &mark); n++) {
        if (n == 0)
            printf("marks             times, first in thread at record\n");
        if (n < INFO_NAMES)
            printf("  %-15s %" PRIu64 ", thread %" PRIu32 " at %" PRIu64 "\n",
                   mark.name, mark.count, mark.tid, mark.record);
    }
    info_print_more(INFO_NAMES, n);
    if (data->left_out.marks)
        printf("  %" PRIu64 " more marks of other names\n",
               data->left_out.marks);
}

static void info_print_images(const struct trace_info_data *data)
{
    mmusim_trace_image_t image;
    size_t n = 0;

    for (; mmusim_trace_image_at(data->profile, n, &image); n++) {
        if (n == 0)
            printf("images            what is mapped already\n");
        if (n < INFO_NAMES)
            printf("  0x%-16" PRIx64 " %9" PRIu64 " KiB %s\n", image.vaddr,
                   (image.length_bytes + 1023) / 1024, image.name);
    }
    info_print_more(INFO_NAMES, n);
    if (data->left_out.images)
        printf("  %" PRIu64 " more images\n", data->left_out.images);
}

/* ---- all ---- */

static void info_print_text(const struct trace_info_data *data)
{
    info_print_counts(data->trace, &data->info);
    info_print_regions(data);
    info_print_windows(data);
    info_print_marks(data);
    info_print_images(data);
}

static uint64_t info_limit(uint64_t option, uint64_t dflt)
{
    return option == TRACE_INFO_DEFAULT ? dflt : option;
}

int trace_info_print(mmusim_trace_t *trace, const char *path,
                     const struct trace_info_options *options)
{
    bool is_json = options->is_json;
    struct trace_info_data data = {
        .path = path,
        .trace = trace,
        .n_regions =
            info_limit(options->n_regions, is_json ? UINT64_MAX : INFO_REGIONS),
        .n_windows = info_limit(options->n_windows,
                                is_json ? INFO_JSON_WINDOWS : INFO_WINDOWS)};
    mmusim_trace_profile_t *profile;
    mmusim_diag_t diag = {0};

    if (mmusim_trace_info(trace, &data.info, &diag) ||
        mmusim_trace_profile_create(trace, &profile, &diag))
        return cli_diag(&diag);
    data.profile = profile;
    data.working_set = mmusim_trace_profile_working_set(profile);
    mmusim_trace_profile_left_out(profile, &data.left_out);
    if (is_json)
        trace_info_print_json(&data, stdout);
    else
        info_print_text(&data);
    mmusim_trace_profile_destroy(profile);
    return 0;
}
