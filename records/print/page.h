/* page.h - how a sheet looks: A4, one column, as many pages as it takes, each with its number of how many.
 * Pure but for the fonts of the machine; one thread (Pango's font map is the process's). Lengths are points, 1/72 inch. */
#pragma once
#include <stdio.h>
#include "core/err.h"
#include "records/print/sheet.h"

#define PAGE_WIDTH  595.276
#define PAGE_HEIGHT 841.890
#define PAGES_MAX   200

/** Write the PDF.
 * @return pages; 0 with err: ERR_INVALID "no_letters" when no font of this machine has the sheet's letters (a paper full
 *         of boxes is no document), "too_many_pages", "code_too_long"; ERR_IO "write_failed" */
int page_print(const struct sheet *sheet, FILE *out, struct err *err);
