/* dataset_tree.h - inside of struct dataset, for the files that build it. Nobody outside of this room includes it. */
#pragma once
#include "dicom/dataset/dataset.h"

struct dataset_block;

struct dataset {
    const uint8_t *bytes; /* what was given, lent */
    size_t len;
    const uint8_t *data; /* where values lie: `bytes`, or what was inflated */
    size_t data_len;
    uint8_t *inflated;
    size_t begin;
    char syntax[65];
    unsigned notes;
    struct dataset_limits limits;
    struct dataset_item root, meta;
    struct dataset_block *blocks; /* elements and items, freed together */
    size_t n_elements;            /* and items: what elements_max counts */
};

/* How the bytes of a data set are to be read. */
struct dataset_coding {
    bool implicit, big;
};

/** Memory that lives as long as the data set, or NULL with too_many_elements. */
void *dataset_alloc(struct dataset *ds, size_t size, struct err *err);

/** Fill `root` with the elements of data[begin..end). */
bool dataset_parse(struct dataset *ds, struct dataset_item *root, size_t begin, size_t end,
                   struct dataset_coding coding, struct err *err);
/** The same for group 0002 of `bytes` from `begin` on; *end is where it ends. */
bool dataset_parse_meta(struct dataset *ds, size_t begin, size_t *end, struct err *err);

/** Could a data set of this coding begin here? */
bool dataset_coding_fits(struct dataset_coding coding, const uint8_t *p, size_t len);

static inline uint16_t get_u16(const uint8_t *p, bool big)
{
    return (uint16_t)(big ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

static inline uint32_t get_u32(const uint8_t *p, bool big)
{
    return big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
               : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint64_t get_u64(const uint8_t *p, bool big)
{
    uint64_t a = get_u32(p, big), b = get_u32(p + 4, big);

    return big ? a << 32 | b : b << 32 | a;
}

static inline uint32_t get_tag(const uint8_t *p, bool big)
{
    return (uint32_t)get_u16(p, big) << 16 | get_u16(p + 2, big);
}
