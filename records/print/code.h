/* code.h - a QR code (ISO/IEC 18004) drawn as squares, error correction M: a quarter smudged still reads. */
#pragma once
#include <cairo.h>
#include <stdbool.h>

/** Draw text as a code whose side, quiet zone included, is `side` points. false: too long for one. */
bool code_draw(cairo_t *cr, const char *text, double x, double y, double side);
