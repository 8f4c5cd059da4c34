/* SPDX-License-Identifier: MIT */
/* mmusim trace info --format json: one object, a line an item. */
#include "cli/trace_info_json.h"

#include "cli/json_out.h"

#include <inttypes.h>

/* What stands before the i-th item of a list. */
static void json_item(const struct json_out *out, size_t i)
{
    fputs(i ? ",\n    {" : "\n    {", out->file);
}

struct json_row {
    const char *name;
    uint64_t value;
};

static void json_print_rows(const struct json_out *out,
                            const struct json_row *rows, size_t n_rows)
{
    for (size_t i = 0; i < n_rows; i++) {
        fputs("  ", out->file);
        json_out_number(out, rows[i].name, rows[i].value);
        fputs(",\n", out->file);
    }
}

static void json_print_native_file(const struct json_out *out,
                                   const mmusim_trace_info_t *info)
{
    const struct json_row rows[] = {{"version", info->version},
                                    {"blocks", info->n_blocks},
                                    {"packed_bytes", info->packed_bytes},
                                    {"unpacked_bytes", info->unpacked_bytes}};

    json_out_member(out, "codec", info->codec);
    fputs(",\n  ", out->file);
    json_out_bool(out, "has_index", info->has_index);
    fputs(",\n", out->file);
    json_print_rows(out, rows, sizeof(rows) / sizeof(rows[0]));
}

static void json_print_foreign_file(const struct json_out *out,
                                    const mmusim_trace_foreign_t *foreign)
{
    const struct json_row rows[] = {{"packed_bytes", foreign->bytes}};

    json_out_member(out, "codec", foreign->packing);
    fputs(",\n", out->file);
    json_print_rows(out, rows, foreign->bytes != 0);
}

static void json_print_counts(const struct json_out *out,
                              const struct trace_info_data *data)
{
    const mmusim_trace_info_t *info = &data->info;
    const struct json_row rows[] = {
        {"records", info->records}, {"instructions", info->instructions},
        {"fetches", info->fetches}, {"loads", info->loads},
        {"stores", info->stores},   {"pages", info->pages}};
    mmusim_trace_foreign_t foreign;

    fputs("  ", out->file);
    json_out_member(out, "trace", data->path);
    fputs(",\n  ", out->file);
    json_out_member(out, "read_as", mmusim_trace_format(data->trace));
    fputs(",\n  ", out->file);
    if (mmusim_trace_foreign(data->trace, &foreign))
        json_print_foreign_file(out, &foreign);
    else
        json_print_native_file(out, info);
    json_print_rows(out, rows, sizeof(rows) / sizeof(rows[0]));
    fputs("  ", out->file);
    json_out_bool(out, "pages_are_cut", info->pages >= MMUSIM_TRACE_PAGES_MAX);
    fputs(",\n", out->file);
}

static void json_print_threads(const struct json_out *out,
                               const struct trace_info_data *data)
{
    uint64_t records;
    uint32_t tid;

    fputs("  \"threads\": [", out->file);
    for (uint32_t i = 0; mmusim_trace_thread(data->trace, i, &tid, &records);
         i++) {
        json_item(out, i);
        json_out_number(out, "tid", tid);
        fputs(", ", out->file);
        json_out_number(out, "records", records);
        fputc('}', out->file);
    }
    fputs("],\n", out->file);
}

static void json_print_operations(const struct json_out *out,
                                  const mmusim_trace_info_t *info)
{
    const char *name;
    size_t n = 0;

    fputs("  \"operations\": [", out->file);
    for (uint32_t i = 0; (name = mmusim_trace_operation_name(i)); i++) {
        if (!info->operations_of[i])
            continue;
        json_item(out, n++);
        json_out_member(out, "kind", name);
        fputs(", ", out->file);
        json_out_number(out, "count", info->operations_of[i]);
        fputs(", ", out->file);
        json_out_number(out, "pages", info->operation_pages_of[i]);
        fputs(", ", out->file);
        json_out_number(out, "largest_pages", info->largest_pages_of[i]);
        fputc('}', out->file);
    }
    fputs("],\n", out->file);
}

static void json_print_regions(const struct json_out *out,
                               const struct trace_info_data *data)
{
    mmusim_trace_region_t region;
    size_t n = 0;

    fputs("  \"region_bytes\": 1048576,\n  \"regions\": [", out->file);
    for (; mmusim_trace_region_at(data->profile, n, &region); n++) {
        if (n >= data->n_regions)
            continue;
        json_item(out, n);
        json_out_address(out, "address", region.vaddr);
        fputs(", ", out->file);
        json_out_number(out, "pages", region.pages);
        fputs(", ", out->file);
        json_out_number(out, "fetches", region.fetches);
        fputs(", ", out->file);
        json_out_number(out, "loads", region.loads);
        fputs(", ", out->file);
        json_out_number(out, "stores", region.stores);
        fputc('}', out->file);
    }
    fputs("],\n  ", out->file);
    json_out_number(out, "regions_touched", n);
    fputs(",\n  ", out->file);
    json_out_number(out, "accesses_elsewhere", data->left_out.accesses);
    fputs(",\n", out->file);
}

static void json_print_windows(const struct json_out *out,
                               const struct trace_info_data *data)
{
    size_t n_windows = (size_t) data->n_windows;
    mmusim_working_set_window_t window;

    fputs("  ", out->file);
    json_out_bool(out, "working_set_is_cut",
                  mmusim_working_set_is_cut(data->working_set));
    fputs(",\n  \"working_set\": [", out->file);
    for (size_t i = 0;
         mmusim_working_set_at_most(data->working_set, n_windows, i, &window);
         i++) {
        json_item(out, i);
        json_out_number(out, "first_access", window.first_access);
        fputs(", ", out->file);
        json_out_number(out, "accesses", window.n_accesses);
        fputs(", ", out->file);
        json_out_number(out, "pages", window.pages);
        fputs(", ", out->file);
        json_out_number(out, "new_pages", window.new_pages);
        fputc('}', out->file);
    }
    fputs("],\n", out->file);
}

static void json_print_marks(const struct json_out *out,
                             const struct trace_info_data *data)
{
    mmusim_trace_mark_t mark;

    fputs("  \"marks\": [", out->file);
    for (size_t i = 0; mmusim_trace_mark_at(data->profile, i, &mark); i++) {
        json_item(out, i);
        json_out_member(out, "name", mark.name);
        fputs(", ", out->file);
        json_out_number(out, "count", mark.count);
        fputs(", ", out->file);
        json_out_number(out, "first_tid", mark.tid);
        fputs(", ", out->file);
        json_out_number(out, "first_record", mark.record);
        fputc('}', out->file);
    }
    fputs("],\n  ", out->file);
    json_out_number(out, "marks_left_out", data->left_out.marks);
    fputs(",\n", out->file);
}

static void json_print_images(const struct json_out *out,
                              const struct trace_info_data *data)
{
    mmusim_trace_image_t image;

    fputs("  \"images\": [", out->file);
    for (size_t i = 0; mmusim_trace_image_at(data->profile, i, &image); i++) {
        json_item(out, i);
        json_out_member(out, "name", image.name);
        fputs(", ", out->file);
        json_out_bool(out, "is_file", image.is_file);
        fputs(", ", out->file);
        json_out_address(out, "address", image.vaddr);
        fputs(", ", out->file);
        json_out_number(out, "bytes", image.length_bytes);
        fputs(", ", out->file);
        json_out_number(out, "file_offset", image.file_offset);
        fputs(", \"build_id\": ", out->file);
        if (image.build_id)
            fprintf(out->file, "\"%016" PRIx64 "\", ", image.build_id);
        else
            fputs("null, ", out->file);
        json_out_number(out, "tid", image.tid);
        fputc('}', out->file);
    }
    fputs("],\n  ", out->file);
    json_out_number(out, "images_left_out", data->left_out.images);
    fputs("\n", out->file);
}

void trace_info_print_json(const struct trace_info_data *data, FILE *file)
{
    const struct json_out out = json_out_file(file);

    fputs("{\n", file);
    json_print_counts(&out, data);
    json_print_threads(&out, data);
    json_print_operations(&out, &data->info);
    json_print_regions(&out, data);
    json_print_windows(&out, data);
    json_print_marks(&out, data);
    json_print_images(&out, data);
    fputs("}\n", file);
}
