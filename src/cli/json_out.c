/* SPDX-License-Identifier: MIT */
#include "cli/json_out.h"

#include "cli/run_setup.h"

#include <inttypes.h>

struct json_out json_out_file(FILE *file)
{
    return (struct json_out){file, run_write_file};
}

void json_out_text(const struct json_out *out, const char *text)
{
    if (text)
        (void) mmusim_write_json_text(text, out->write, out->file);
    else
        fputs("null", out->file);
}

void json_out_member(const struct json_out *out, const char *name,
                     const char *text)
{
    fprintf(out->file, "\"%s\": ", name);
    json_out_text(out, text);
}

void json_out_number(const struct json_out *out, const char *name,
                     uint64_t number)
{
    fprintf(out->file, "\"%s\": %" PRIu64, name, number);
}

void json_out_address(const struct json_out *out, const char *name,
                      uint64_t address)
{
    fprintf(out->file, "\"%s\": \"0x%" PRIx64 "\"", name, address);
}

void json_out_bool(const struct json_out *out, const char *name, bool value)
{
    fprintf(out->file, "\"%s\": %s", name, value ? "true" : "false");
}

void json_file_text(FILE *file, const char *text)
{
    const struct json_out out = json_out_file(file);

    json_out_text(&out, text);
}

void json_file_member(FILE *file, const char *name, const char *text)
{
    const struct json_out out = json_out_file(file);

    json_out_member(&out, name, text);
}
