/* SPDX-License-Identifier: MIT */
/* mmusim trace info --format json: one object, a line an item. */
#include "cli/trace_info_json.h"

#include "cli/run_setup.h"
#include "mmusim/stats.h"

#include <inttypes.h>
#include <stdio.h>

static void json_text(const char *name, const char *text)
{
    printf("\"%s\": ", name);
    (void) mmusim_write_json_text(text, run_write_file, stdout);
}

static void json_number(const char *name, uint64_t number)
{
    printf("\"%s\": %" PRIu64, name, number);
}

/* Addresses have more bits than a JSON reader's numbers. */
static void json_address(const char *name, uint64_t address)
{
    printf("\"%s\": \"0x%" PRIx64 "\"", name, address);
}

static const char *json_bool(bool value)
{
    return value ? "true" : "false";
}

/* What stands before the i-th item of a list. */
static void json_item(size_t i)
{
    fputs(i ? ",\n    {" : "\n    {", stdout);
}

static void json_print_counts(const struct trace_info_data *data)
{
    const mmusim_trace_info_t *info = &data->info;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"version", info->version},
                {"blocks", info->n_blocks},
                {"packed_bytes", info->packed_bytes},
                {"unpacked_bytes", info->unpacked_bytes},
                {"records", info->records},
                {"instructions", info->instructions},
                {"fetches", info->fetches},
                {"loads", info->loads},
                {"stores", info->stores},
                {"pages", info->pages}};

    fputs("  ", stdout);
    json_text("trace", data->path);
    fputs(",\n  ", stdout);
    json_text("read_as", mmusim_trace_format(data->trace));
    fputs(",\n  ", stdout);
    json_text("codec", info->codec);
    printf(",\n  \"has_index\": %s,\n", json_bool(info->has_index));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fputs("  ", stdout);
        json_number(rows[i].name, rows[i].value);
        fputs(",\n", stdout);
    }
    printf("  \"pages_are_cut\": %s,\n",
           json_bool(info->pages >= MMUSIM_TRACE_PAGES_MAX));
}

static void json_print_threads(const struct trace_info_data *data)
{
    uint64_t records;
    uint32_t tid;

    fputs("  \"threads\": [", stdout);
    for (uint32_t i = 0; mmusim_trace_thread(data->trace, i, &tid, &records);
         i++) {
        json_item(i);
        json_number("tid", tid);
        fputs(", ", stdout);
        json_number("records", records);
        fputc('}', stdout);
    }
    fputs("],\n", stdout);
}

static void json_print_operations(const mmusim_trace_info_t *info)
{
    const char *name;
    size_t n = 0;

    fputs("  \"operations\": [", stdout);
    for (uint32_t i = 0; (name = mmusim_trace_operation_name(i)); i++) {
        if (!info->operations_of[i])
            continue;
        json_item(n++);
        json_text("kind", name);
        fputs(", ", stdout);
        json_number("count", info->operations_of[i]);
        fputs(", ", stdout);
        json_number("pages", info->operation_pages_of[i]);
        fputs(", ", stdout);
        json_number("largest_pages", info->largest_pages_of[i]);
        fputc('}', stdout);
    }
    fputs("],\n", stdout);
}

static void json_print_regions(const struct trace_info_data *data)
{
    mmusim_trace_region_t region;
    size_t n = 0;

    fputs("  \"region_bytes\": 1048576,\n  \"regions\": [", stdout);
    for (; mmusim_trace_region_at(data->profile, n, &region); n++) {
        if (n >= data->n_regions)
            continue;
        json_item(n);
        json_address("address", region.vaddr);
        fputs(", ", stdout);
        json_number("pages", region.pages);
        fputs(", ", stdout);
        json_number("fetches", region.fetches);
        fputs(", ", stdout);
        json_number("loads", region.loads);
        fputs(", ", stdout);
        json_number("stores", region.stores);
        fputc('}', stdout);
    }
    fputs("],\n  ", stdout);
    json_number("regions_touched", n);
    fputs(",\n  ", stdout);
    json_number("accesses_elsewhere", data->left_out.accesses);
    fputs(",\n", stdout);
}

static void json_print_windows(const struct trace_info_data *data)
{
    size_t n_windows = (size_t) data->n_windows;
    mmusim_working_set_window_t window;

    printf("  \"working_set_is_cut\": %s,\n  \"working_set\": [",
           json_bool(mmusim_working_set_is_cut(data->working_set)));
    for (size_t i = 0;
         mmusim_working_set_at_most(data->working_set, n_windows, i, &window);
         i++) {
        json_item(i);
        json_number("first_access", window.first_access);
        fputs(", ", stdout);
        json_number("accesses", window.n_accesses);
        fputs(", ", stdout);
        json_number("pages", window.pages);
        fputs(", ", stdout);
        json_number("new_pages", window.new_pages);
        fputc('}', stdout);
    }
    fputs("],\n", stdout);
}

static void json_print_marks(const struct trace_info_data *data)
{
    mmusim_trace_mark_t mark;

    fputs("  \"marks\": [", stdout);
    for (size_t i = 0; mmusim_trace_mark_at(data->profile, i, &mark); i++) {
        json_item(i);
        json_text("name", mark.name);
        fputs(", ", stdout);
        json_number("count", mark.count);
        fputs(", ", stdout);
        json_number("first_tid", mark.tid);
        fputs(", ", stdout);
        json_number("first_record", mark.record);
        fputc('}', stdout);
    }
    fputs("],\n  ", stdout);
    json_number("marks_left_out", data->left_out.marks);
    fputs(",\n", stdout);
}

static void json_print_images(const struct trace_info_data *data)
{
    mmusim_trace_image_t image;

    fputs("  \"images\": [", stdout);
    for (size_t i = 0; mmusim_trace_image_at(data->profile, i, &image); i++) {
        json_item(i);
        json_text("name", image.name);
        printf(", \"is_file\": %s, ", json_bool(image.is_file));
        json_address("address", image.vaddr);
        fputs(", ", stdout);
        json_number("bytes", image.length_bytes);
        fputs(", ", stdout);
        json_number("file_offset", image.file_offset);
        printf(", \"build_id\": ");
        if (image.build_id)
            printf("\"%016" PRIx64 "\", ", image.build_id);
        else
            fputs("null, ", stdout);
        json_number("tid", image.tid);
        fputc('}', stdout);
    }
    fputs("],\n  ", stdout);
    json_number("images_left_out", data->left_out.images);
    fputs("\n", stdout);
}

void trace_info_print_json(const struct trace_info_data *data)
{
    fputs("{\n", stdout);
    json_print_counts(data);
    json_print_threads(data);
    json_print_operations(&data->info);
    json_print_regions(data);
    json_print_windows(data);
    json_print_marks(data);
    json_print_images(data);
    fputs("}\n", stdout);
}
