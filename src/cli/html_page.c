/* SPDX-License-Identifier: MIT */
/*
 * Lines of the template that name a file, and what becomes of them:
 *   <link rel="stylesheet" href="FILE">      <style> with its content
 *   <script src="FILE"></script>             <script> with its content
 *   <script type="application/json" ...>     the place of the data
 * FILE is relative to the template. Everything else is copied.
 */
#include "cli/html_page.h"

#include "cli/cli.h"
#include "mmusim/stats.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { HTML_LINE_BYTES = 1024, HTML_CHUNK_BYTES = 65536 };

struct html_loader {
    const char *folder;
    FILE *text;
    long data_at;
};

static FILE *html_open(const struct html_loader *loader, const char *name,
                       int *status)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/%s", loader->folder, name);
    FILE *file = NULL;

    *status = 0;
    if (length > 0 && (size_t) length < sizeof(path))
        file = fopen(path, "re");
    if (!file)
        *status = cli_error(CLI_SYSTEM,
                            "%s: cannot read this part of the report's page: "
                            "%s (is MMUSIM_DATADIR right?)",
                            path, strerror(errno));
    return file;
}

static int html_insert(const struct html_loader *loader, const char *name)
{
    char chunk[HTML_CHUNK_BYTES];
    int status;
    FILE *file = html_open(loader, name, &status);
    size_t n;

    if (!file)
        return status;
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
        fwrite(chunk, 1, n, loader->text);
    if (ferror(file))
        status =
            cli_error(CLI_SYSTEM, "%s/%s: cannot read", loader->folder, name);
    fclose(file);
    return status;
}

/* If line starts with prefix: cuts the name that follows out of it. */
static char *html_named_file(char *line, const char *prefix)
{
    size_t length = strlen(prefix);

    if (strncmp(line, prefix, length) != 0)
        return NULL;
    line[length + strcspn(line + length, "\"")] = '\0';
    return line + length;
}

static int html_insert_between(const struct html_loader *loader,
                               const char *head, const char *name,
                               const char *tail)
{
    int status;

    fputs(head, loader->text);
    status = html_insert(loader, name);
    fputs(tail, loader->text);
    return status;
}

static int html_line(struct html_loader *loader, char *line)
{
    static const char data[] = "<script type=\"application/json\"";
    const char *name =
        html_named_file(line, "<link rel=\"stylesheet\" href=\"");

    if (name)
        return html_insert_between(loader, "<style>\n", name, "</style>\n");
    name = html_named_file(line, "<script src=\"");
    if (name)
        return html_insert_between(loader, "<script>\n", name, "</script>\n");
    if (!strncmp(line, data, sizeof(data) - 1)) {
        size_t head = strcspn(line, ">") + 1;

        fwrite(line, 1, head, loader->text);
        loader->data_at = ftell(loader->text);
        fputs(line + head, loader->text);
        return 0;
    }
    fputs(line, loader->text);
    return 0;
}

static int html_lines(struct html_loader *loader)
{
    char line[HTML_LINE_BYTES];
    int status;
    FILE *file = html_open(loader, "page.html", &status);

    while (file && !status && fgets(line, sizeof(line), file))
        status = html_line(loader, line);
    if (file)
        fclose(file);
    if (!status && !loader->data_at)
        status = cli_error(CLI_SYSTEM,
                           "%s/page.html: has no line for the data "
                           "(<script type=\"application/json\" ...>)",
                           loader->folder);
    return status;
}

int html_page_load(struct html_page *page)
{
    struct html_loader loader = {.folder = cli_data_dir("report")};
    int status;

    memset(page, 0, sizeof(*page));
    loader.text = open_memstream(&page->text, &page->length);
    if (!loader.text)
        return cli_error(CLI_SYSTEM, "out of memory");
    status = html_lines(&loader);
    if (fclose(loader.text) && !status)
        status = cli_error(CLI_SYSTEM, "out of memory");
    page->data_at = (size_t) loader.data_at;
    if (status)
        html_page_free(page);
    return status;
}

void html_page_free(struct html_page *page)
{
    free(page->text);
    memset(page, 0, sizeof(*page));
}

bool html_page_write(const struct html_page *page,
                     bool (*write_data)(void *context, FILE *file),
                     void *context, FILE *file)
{
    fwrite(page->text, 1, page->data_at, file);
    if (!write_data(context, file))
        return false;
    fwrite(page->text + page->data_at, 1, page->length - page->data_at, file);
    return true;
}

int html_json_write(void *context, const char *text, size_t length_bytes)
{
    FILE *file = context;

    while (length_bytes) {
        const char *found = memchr(text, '<', length_bytes);
        size_t n = found ? (size_t) (found - text) : length_bytes;

        fwrite(text, 1, n, file);
        if (found)
            fputs("\\u003c", file);
        n += found != NULL;
        text += n;
        length_bytes -= n;
    }
    return ferror(file);
}

void html_json_text(const char *text, FILE *file)
{
    if (!text)
        fputs("null", file);
    else
        (void) mmusim_write_json_text(text, html_json_write, file);
}
