#include "dicom/decode/grey.h"
#include <math.h>
#include <string.h>

/* The attribute's data set: the frame's own functional group, the shared one, or the outermost. */
static const struct dataset_item *group_of(const struct dataset_item *root, uint32_t frame, uint32_t sequence,
                                           uint32_t attribute)
{
    const struct dataset_item *per = dataset_sequence(root, TAG_PerFrameFunctionalGroupsSequence);
    const struct dataset_item *shared = dataset_sequence(root, TAG_SharedFunctionalGroupsSequence);
    const struct dataset_item *found;

    for (; per && frame > 0; frame--)
        per = per->next;
    if (per && (found = dataset_sequence(per, sequence)) && dataset_find(found, attribute))
        return found;
    if (shared && (found = dataset_sequence(shared, sequence)) && dataset_find(found, attribute))
        return found;
    return root;
}

static bool table_read(struct grey_table *t, const struct dataset_item *item, bool is_signed)
{
    const struct dataset_element *d = item ? dataset_find(item, TAG_LUTDescriptor) : NULL;
    int64_t n, first, bits;

    memset(t, 0, sizeof *t);
    if (!d || !dataset_element_int(d, 0, &n) || !dataset_element_int(d, 1, &first) ||
        !dataset_element_int(d, 2, &bits))
        return false;
    t->data = dataset_find(item, TAG_LUTData);
    t->n = (uint32_t)(n & 0xFFFF) ? (uint32_t)(n & 0xFFFF) : 65536;
    t->first = is_signed && first > INT16_MAX ? first - 65536 : first;
    t->bits = bits >= 8 && bits <= 16 ? (uint32_t)bits : 16;
    return t->data && t->data->length >= 2;
}

static double table_value(const struct grey_table *t, double v)
{
    double at = v - (double)t->first;
    size_t i = at <= 0 || isnan(at) ? 0 : at >= t->n - 1 ? t->n - 1 : (size_t)at;
    int64_t out = 0;

    if (t->data->length < (size_t)t->n * 2) { /* 8 bit entries, packed */
        if (t->data->length >= t->n)
            return t->data->value[i];
        i = i < t->data->length / 2 ? i : t->data->length / 2 - 1;
    }
    if (t->data->vr == VR_OB || t->data->vr == VR_UN)
        return (double)(t->data->value[2 * i] | t->data->value[2 * i + 1] << 8);
    dataset_element_int(t->data, i, &out);
    return (double)(out & 0xFFFF);
}

static void read_modality(struct grey *g, const struct picture_form *form, const struct dataset_item *root,
                          uint32_t frame)
{
    const struct dataset_item *where =
        group_of(root, frame, TAG_PixelValueTransformationSequence, TAG_RescaleSlope);
    double slope;

    g->slope = 1;
    if (table_read(&g->modality, dataset_sequence(root, TAG_ModalityLUTSequence), form->is_signed))
        return;
    g->modality.data = NULL;
    if (dataset_real(where, TAG_RescaleSlope, 0, &slope) && slope != 0 && isfinite(slope))
        g->slope = slope;
    if (!dataset_real(where, TAG_RescaleIntercept, 0, &g->intercept) || !isfinite(g->intercept))
        g->intercept = 0;
}

static void read_voi(struct grey *g, const struct dataset_item *root, uint32_t frame)
{
    const struct dataset_item *where = group_of(root, frame, TAG_FrameVOILUTSequence, TAG_WindowCenter);
    char function[17] = "LINEAR";
    double center, breadth;

    if (dataset_real(where, TAG_WindowCenter, 0, &center) &&
        dataset_real(where, TAG_WindowWidth, 0, &breadth) && isfinite(center) && breadth > 0 &&
        isfinite(breadth)) {
        dataset_ascii(where, TAG_VOILUTFunction, function, sizeof function);
        grey_window(g, center, breadth);
        g->voi = strcmp(function, "SIGMOID") == 0        ? GREY_SIGMOID
                 : strcmp(function, "LINEAR_EXACT") == 0 ? GREY_EXACT
                                                         : GREY_LINEAR;
        return;
    }
    /* The first stored value mapped follows the modality transform: negative only when that can be. */
    if (table_read(&g->table, dataset_sequence(root, TAG_VOILUTSequence),
                   g->intercept < 0 && !g->modality.data))
        g->voi = GREY_TABLE;
}

static void read_padding(struct grey *g, const struct dataset_item *root)
{
    if (!dataset_int(root, TAG_PixelPaddingValue, 0, &g->pad_low))
        return;
    g->padded = true;
    g->pad_high = g->pad_low;
    dataset_int(root, TAG_PixelPaddingRangeLimit, 0, &g->pad_high);
    if (g->pad_high < g->pad_low) {
        int64_t swap = g->pad_low;
        g->pad_low = g->pad_high;
        g->pad_high = swap;
    }
}

void grey_read(struct grey *g, const struct picture_form *form, const struct dataset *ds, uint32_t frame)
{
    const struct dataset_item *root = dataset_root(ds);

    *g = (struct grey){.slope = 1, .voi = GREY_RANGE};
    read_modality(g, form, root, frame);
    read_voi(g, root, frame);
    read_padding(g, root);
    g->inverse = strcmp(form->photometric, "MONOCHROME1") == 0;
}

void grey_window(struct grey *g, double center, double breadth)
{
    g->voi = GREY_LINEAR;
    g->center = center;
    g->breadth = breadth < 1 ? 1 : breadth;
}

void grey_range(struct grey *g, double low, double high)
{
    g->voi = GREY_EXACT;
    g->center = (low + high) / 2;
    g->breadth = high > low ? high - low : 1;
}

double grey_modality(const struct grey *g, double stored)
{
    return g->modality.data ? table_value(&g->modality, stored) : stored * g->slope + g->intercept;
}

/* PS3.3 C.11.2.1.2 and C.11.2.1.3: 0 … 1 */
static double window(const struct grey *g, double x)
{
    switch (g->voi) {
    case GREY_LINEAR:
        if (g->breadth <= 1)
            return x <= g->center - 0.5 ? 0 : 1;
        return (x - (g->center - 0.5)) / (g->breadth - 1) + 0.5;
    case GREY_SIGMOID:
        return 1 / (1 + exp(-4 * (x - g->center) / g->breadth));
    case GREY_TABLE:
        return table_value(&g->table, x) / (double)((1u << g->table.bits) - 1);
    default:
        return (x - g->center) / g->breadth + 0.5;
    }
}

uint8_t grey_shade(const struct grey *g, double value)
{
    double y = window(g, value);

    if (!(y > 0)) /* and what is no number */
        y = 0;
    if (y > 1)
        y = 1;
    return (uint8_t)lrint((g->inverse ? 1 - y : y) * 255);
}
