/* grey.h - the greyscale chain of one frame: modality transform, then VOI. Values are doubles between the steps.
 *
 * Owns    nothing: tables are read from the data set, which must stay open.
 */
#pragma once
#include "dicom/decode/picture.h"

struct grey_table { /* a Modality or VOI LUT, PS3.3 C.11.1.1 */
    const struct dataset_element *data;
    int64_t first; /* the stored value of entry 0 */
    uint32_t n, bits;
};

enum grey_voi { GREY_RANGE, GREY_LINEAR, GREY_EXACT, GREY_SIGMOID, GREY_TABLE };

struct grey {
    struct grey_table modality; /* data NULL: slope and intercept */
    double slope, intercept;
    enum grey_voi voi;
    struct grey_table table;
    double center, breadth; /* GREY_RANGE: computed from the frame */
    bool inverse;
    bool padded; /* values from pad_low to pad_high are no part of the picture (background) */
    int64_t pad_low, pad_high;
};

/** What the data set says for a frame (from 0), functional groups before the data set's own attributes. */
void grey_read(struct grey *g, const struct picture_form *form, const struct dataset *ds, uint32_t frame);
/** A window given from outside takes the place of the file's. */
void grey_window(struct grey *g, double center, double breadth);
/** Without a window: the range of these values (already through the modality transform) becomes one. */
void grey_range(struct grey *g, double low, double high);
double grey_modality(const struct grey *g, double stored);
/** 0 … 255 */
uint8_t grey_shade(const struct grey *g, double value);
