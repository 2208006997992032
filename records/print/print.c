/* yz-print - reads a sheet's description, writes it as a PDF, says how many pages. Run as a sandboxed child (core/child.h):
 *   yz-print SHEET.json PAPER.pdf
 * The answer on stdout is one word and a number ("pages 2"), or the reason of a refusal ("no_letters"); exit 0 or 1. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "core/mem.h"
#include "records/print/page.h"

static uint8_t *read_sheet(const char *path, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    uint8_t *text = mem_new(SHEET_BYTES_MAX + 1);
    ssize_t n = 0;

    *len = 0;
    while (fd >= 0 && *len <= SHEET_BYTES_MAX && (n = read(fd, text + *len, SHEET_BYTES_MAX + 1 - *len)) > 0)
        *len += (size_t)n;
    if (fd >= 0)
        close(fd);
    return text;
}

static int print(const struct sheet *sheet, const char *path, struct err *err)
{
    FILE *out = fopen(path, "wbx"); /* never over a paper that is there */
    int pages;

    if (!out) {
        err_errno(err, "open the paper");
        return 0;
    }
    pages = page_print(sheet, out, err);
    if (fclose(out) != 0 && pages) {
        err_set(err, ERR_IO, "write_failed", "the paper could not be closed");
        pages = 0;
    }
    if (!pages)
        unlink(path);
    return pages;
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct sheet sheet;
    size_t len;
    int pages = 0;

    if (argc != 3) {
        fputs("usage: yz-print SHEET.json PAPER.pdf\n", stderr);
        return 2;
    }
    uint8_t *text = read_sheet(argv[1], &len);
    if (sheet_read(&sheet, text, len, &err)) {
        pages = print(&sheet, argv[2], &err);
        sheet_free(&sheet);
    }
    free(text);
    if (pages)
        printf("pages %d\n", pages);
    else
        puts(err.reason);
    fflush(stdout);
    _exit(pages ? 0 : 1); /* the font libraries keep what they have read until the process ends */
}
