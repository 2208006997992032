#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include "core/mem.h"
#include "ops/cli/cli.h"

/* Chinese letters are two columns wide. */
static int width(const char *text)
{
    wchar_t wide[512];
    size_t n = mbstowcs(wide, text, sizeof wide / sizeof *wide);
    int columns = n == (size_t)-1 ? -1 : wcswidth(wide, n < 512 ? n : 512);

    return columns >= 0 ? columns : (int)strlen(text);
}

/* Strings as they are, lists with commas, null as "-". Freed by the caller. */
static char *as_text(const json_t *v)
{
    char *text, *longer;
    const json_t *item;
    size_t i;

    if (json_is_string(v))
        return mem_str(json_string_value(v));
    if (!v || json_is_null(v))
        return mem_str("-");
    if (!json_is_array(v))
        return json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    text = mem_str("");
    json_array_foreach(v, i, item)
    {
        char *part = as_text(item);

        longer = mem_format("%s%s%s", text, i ? "," : "", part);
        free(part);
        free(text);
        text = longer;
    }
    return text;
}

static void print_json(const json_t *doc)
{
    json_dumpf(doc, stdout, JSON_INDENT(2));
    putchar('\n');
}

static void print_cell(const char *text, int columns, bool last)
{
    fputs(text, stdout);
    if (last)
        putchar('\n');
    else
        printf("%*s", columns - width(text) + 2, "");
}

void out_rows(const struct cli *cli, json_t *rows, const char *const *columns)
{
    int widths[16] = {0};
    json_t *row;
    size_t i, n = 0;

    if (cli->json) {
        print_json(rows);
        json_decref(rows);
        return;
    }
    while (columns[n])
        n++;
    for (size_t c = 0; c < n; c++) {
        widths[c] = width(columns[c]);
        json_array_foreach(rows, i, row)
        {
            char *text = as_text(json_object_get(row, columns[c]));

            widths[c] = width(text) > widths[c] ? width(text) : widths[c];
            free(text);
        }
    }
    for (size_t c = 0; c < n; c++)
        print_cell(columns[c], widths[c], c + 1 == n);
    json_array_foreach(rows, i, row)
    {
        for (size_t c = 0; c < n; c++) {
            char *text = as_text(json_object_get(row, columns[c]));

            print_cell(text, widths[c], c + 1 == n);
            free(text);
        }
    }
    json_decref(rows);
}

void out_object(const struct cli *cli, json_t *object)
{
    const char *key;
    json_t *value;
    int widest = 0;

    if (cli->json) {
        print_json(object);
        json_decref(object);
        return;
    }
    json_object_foreach(object, key, value)
    {
        widest = width(key) > widest ? width(key) : widest;
    }
    json_object_foreach(object, key, value)
    {
        char *text = as_text(value);

        print_cell(key, widest, false);
        print_cell(text, 0, true);
        free(text);
    }
    json_decref(object);
}

int out_error(const struct cli *cli, const struct err *err)
{
    if (cli->json) {
        json_t *doc = json_pack("{s:s, s:s, s:s}", "code", err->reason, "kind", err_code_name(err->code),
                                "detail", err->text);

        json_dumpf(doc, stderr, JSON_COMPACT);
        fputc('\n', stderr);
        json_decref(doc);
    } else {
        fprintf(stderr, "yunzhen: %s [%s]\n", err->text, err->reason);
    }
    if (strcmp(err->reason, "usage") == 0)
        return CLI_USAGE;
    return err->code == ERR_NOT_FOUND ? CLI_NOT_FOUND : CLI_FAILED;
}
