#include "records/print/code.h"
#include <qrencode.h>

#define QUIET 4 /* modules of white around it, as the standard asks */

bool code_draw(cairo_t *cr, const char *text, double x, double y, double side)
{
    QRcode *qr = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);

    if (!qr)
        return false;
    double module = side / (qr->width + 2 * QUIET);
    cairo_save(cr);
    cairo_set_source_rgb(cr, 0, 0, 0);
    for (int row = 0; row < qr->width; row++)
        for (int col = 0; col < qr->width; col++)
            if (qr->data[row * qr->width + col] & 1)
                cairo_rectangle(cr, x + (QUIET + col) * module, y + (QUIET + row) * module, module, module);
    cairo_fill(cr);
    cairo_restore(cr);
    QRcode_free(qr);
    return true;
}
