/* dataset_parse.c - bytes into a tree of elements, with a stack of our own: hostile nesting costs nothing. */
#include "dicom/dataset/dataset_tree.h"
#include <string.h>

#define UNDEFINED 0xFFFFFFFFu

/* One open data set (elements are expected) or sequence (items are expected). */
struct level {
    bool sequence, undefined;
    struct dataset_coding coding;
    size_t end; /* nothing of this level lies behind it */
    struct dataset_item *item;
    struct dataset_element *element; /* of a sequence */
    const struct dataset_element **element_tail;
    const struct dataset_item **item_tail;
    uint32_t count, last_tag;
    uint16_t number_vr; /* VR_US or VR_SS once Pixel Representation was read here, else 0 */
};

struct parser {
    struct dataset *ds;
    const uint8_t *data;
    size_t pos, total; /* total: end of everything, a cut there is a truncation */
    unsigned depth;
    struct err *err;
    struct level levels[DATASET_DEPTH_MAX * 2 + 2];
};

/* What the header of an element says. */
struct header {
    uint32_t tag, length;
    uint16_t vr, flags;
    size_t bytes; /* of the header itself */
};

static bool cut_short(struct parser *p, size_t end)
{
    if (end >= p->total)
        return err_set(p->err, ERR_INVALID, "truncated", "ends in the middle of an element at byte %zu",
                       p->pos);
    return err_set(p->err, ERR_INVALID, "element_malformed", "an element at byte %zu is longer than its item",
                   p->pos);
}

static void note(struct parser *p, unsigned bit)
{
    p->ds->notes |= bit;
}

/* US or SS: as Pixel Representation says, of this data set or those around it (PS3.5 A.1). */
static uint16_t signed_or_not(const struct parser *p)
{
    for (unsigned i = p->depth; i-- > 0;)
        if (p->levels[i].number_vr)
            return p->levels[i].number_vr;
    return VR_US;
}

static uint16_t vr_of_tag(const struct parser *p, uint32_t tag)
{
    uint16_t vr = dictionary_vr(tag);

    if (vr == VR_XS)
        return signed_or_not(p);
    return vr == VR_OX ? VR_OW : vr;
}

static bool is_letter(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

/* Explicit VR, PS3.5 7.1.2. A VR of two letters that we do not know has the long form, as all new ones will. */
static bool read_explicit(struct parser *p, const struct level *l, struct header *h)
{
    const uint8_t *at = p->data + p->pos;
    bool big = l->coding.big;

    h->vr = VR_PACK(at[4], at[5]);
    h->bytes = 8;
    if (!dicom_vr_known(h->vr)) {
        bool letters = is_letter(at[4]) && is_letter(at[5]);
        note(p, DATASET_NOTE(VR_UNKNOWN));
        h->vr = VR_UN;
        h->bytes = letters ? 12 : 8;
    } else if (dicom_vr_is_long(h->vr)) {
        h->bytes = 12;
    }
    if (l->end - p->pos < h->bytes)
        return cut_short(p, l->end);
    h->length = h->bytes == 12 ? get_u32(at + 8, big) : get_u16(at + 6, big);
    return true;
}

static bool read_header(struct parser *p, const struct level *l, struct header *h)
{
    if (l->end - p->pos < 8)
        return cut_short(p, l->end);
    *h = (struct header){.tag = get_tag(p->data + p->pos, l->coding.big)};
    h->flags = l->coding.big ? DATASET_BIG_ENDIAN : 0;
    if (!l->coding.implicit) {
        if (!read_explicit(p, l, h))
            return false;
    } else {
        h->vr = vr_of_tag(p, h->tag);
        h->flags |= DATASET_VR_GUESSED;
        h->length = get_u32(p->data + p->pos + 4, l->coding.big);
        h->bytes = 8;
    }
    if (h->length == UNDEFINED)
        h->flags |= DATASET_UNDEFINED;
    return true;
}

static struct dataset_element *add_element(struct parser *p, struct level *l, const struct header *h)
{
    struct dataset_element *e = dataset_alloc(p->ds, sizeof *e, p->err);

    if (!e)
        return NULL;
    *e = (struct dataset_element){
        .tag = h->tag, .vr = h->vr, .flags = h->flags, .value = p->data + p->pos, .length = h->length};
    *l->element_tail = e;
    l->element_tail = &e->next;
    l->item->n_elements++;
    if (h->tag <= l->last_tag && l->item->n_elements > 1)
        note(p, DATASET_NOTE(UNSORTED));
    l->last_tag = h->tag;
    return e;
}

static struct level *push(struct parser *p, size_t end, bool undefined)
{
    struct level *l = &p->levels[p->depth];

    *l = (struct level){.end = end, .undefined = undefined, .coding = l[-1].coding};
    p->depth++;
    return l;
}

static bool open_sequence(struct parser *p, struct dataset_element *e, struct dataset_coding coding)
{
    bool undefined = e->flags & DATASET_UNDEFINED;
    struct level *above = &p->levels[p->depth - 1], *l;

    if (p->depth / 2 >= p->ds->limits.depth_max)
        return err_set(p->err, ERR_INVALID, "nesting_too_deep", "more than %u sequences inside each other",
                       p->ds->limits.depth_max);
    e->vr = VR_SQ;
    l = push(p, undefined ? above->end : p->pos + e->length, undefined);
    l->sequence = true;
    l->coding = coding;
    l->element = e;
    l->item = above->item;
    l->item_tail = &e->items;
    return true;
}

/* Relays that convert the outer data set leave items in the other VR coding now and then. An implicit length may look
 * like two letters: only one that cannot be counts as a VR. */
static bool coded_otherwise(const struct parser *p, const struct level *l)
{
    const uint8_t *at = p->data + p->pos;
    size_t room = l->end - p->pos;
    struct dataset_coding other = {.implicit = !l->coding.implicit};

    if (room < 8 || dataset_coding_fits(l->coding, at, room) || !dataset_coding_fits(other, at, room))
        return false;
    return other.implicit || get_u32(at + 4, false) > room - 8;
}

static bool open_item(struct parser *p, struct level *l, uint32_t length)
{
    struct dataset_item *item = dataset_alloc(p->ds, sizeof *item, p->err);
    bool undefined = length == UNDEFINED;
    struct level *inner;

    if (!item)
        return false;
    *l->item_tail = item;
    l->item_tail = &item->next;
    *item = (struct dataset_item){.parent = l->item, .number = ++l->count};
    inner = push(p, undefined ? l->end : p->pos + length, undefined);
    inner->item = item;
    inner->element_tail = &item->first;
    if (!inner->coding.big && coded_otherwise(p, inner)) {
        inner->coding.implicit = !inner->coding.implicit;
        note(p, DATASET_NOTE(SYNTAX_MISLABELLED));
    }
    return true;
}

/* Fragments of encapsulated pixel data, PS3.5 A.4: items up to the sequence delimiter. */
static bool skip_fragments(struct parser *p, const struct level *l, struct dataset_element *e)
{
    e->flags |= DATASET_ENCAPSULATED;
    while (l->end - p->pos >= 8) {
        uint32_t tag = get_tag(p->data + p->pos, l->coding.big);
        uint32_t length = get_u32(p->data + p->pos + 4, l->coding.big);
        if (tag == TAG_SequenceDelimitationItem) {
            e->length = (size_t)(p->data + p->pos - e->value);
            p->pos += 8;
            return true;
        }
        if (tag != TAG_Item)
            return err_set(p->err, ERR_INVALID, "element_malformed", "no fragment at byte %zu", p->pos);
        if (length > l->end - p->pos - 8)
            return cut_short(p, l->end);
        p->pos += 8 + length;
    }
    note(p, DATASET_NOTE(DELIMITER_MISSING));
    e->length = (size_t)(p->data + p->pos - e->value);
    p->pos = l->end;
    return true;
}

static bool undefined_value(struct parser *p, const struct level *l, struct dataset_element *e)
{
    struct dataset_coding coding = l->coding;

    if (e->tag == TAG_PixelData || e->vr == VR_OB || e->vr == VR_OW)
        return skip_fragments(p, l, e);
    if (e->vr == VR_UN && !coding.implicit)
        coding = (struct dataset_coding){.implicit =
                                             true}; /* PS3.5 6.2.2 note 4: UN holds implicit little endian */
    else if (e->vr != VR_SQ && !coding.implicit)
        return err_set(p->err, ERR_INVALID, "element_malformed", "undefined length at byte %zu", p->pos);
    return open_sequence(p, e, coding);
}

/* A standard attribute that some relay did not know and made UN: the dictionary knows better. */
static bool known_after_all(struct parser *p, struct dataset_element *e)
{
    uint16_t vr = vr_of_tag(p, e->tag);

    if (vr == VR_UN)
        return true;
    if (vr == VR_SQ) {
        const uint8_t item[] = {0xFE, 0xFF, 0x00, 0xE0};
        if (e->length && (e->length < 8 || memcmp(e->value, item, 4) != 0))
            return true;
        e->flags |= DATASET_VR_GUESSED;
        return open_sequence(p, e, (struct dataset_coding){.implicit = true});
    }
    if (dicom_vr_unit(vr) > 1 && e->length % dicom_vr_unit(vr) != 0)
        return true;
    e->vr = vr;
    e->flags = (uint16_t)((e->flags & ~DATASET_BIG_ENDIAN) | DATASET_VR_GUESSED);
    return true;
}

static bool read_value(struct parser *p, struct level *l, const struct header *h)
{
    struct dataset_element *e;

    p->pos += h->bytes;
    if (!(h->flags & DATASET_UNDEFINED) && h->length > l->end - p->pos)
        return cut_short(p, l->end);
    e = add_element(p, l, h);
    if (!e)
        return false;
    if (h->flags & DATASET_UNDEFINED) {
        e->length = 0;
        return undefined_value(p, l, e);
    }
    if (h->length & 1)
        note(p, DATASET_NOTE(ODD_LENGTH));
    if (e->vr == VR_SQ)
        return open_sequence(p, e, l->coding);
    if (e->vr == VR_UN && !l->coding.implicit && !known_after_all(p, e))
        return false;
    if (e->tag == TAG_PixelRepresentation && e->length == 2)
        l->number_vr = get_u16(e->value, e->flags & DATASET_BIG_ENDIAN) == 1 ? VR_SS : VR_US;
    if (e->vr != VR_SQ) /* else known_after_all() opened it */
        p->pos += h->length;
    return true;
}

static void close_level(struct parser *p)
{
    struct level *l = &p->levels[--p->depth];

    if (l->sequence && l->undefined)
        l->element->length = (size_t)(p->data + p->pos - l->element->value);
}

/* The end of a data set as its delimiter or its length says, or as the data does. */
static bool delimiter_in_item(struct parser *p, struct level *l, uint32_t tag)
{
    if (l->undefined && tag == TAG_ItemDelimitationItem) {
        close_level(p);
        p->pos += 8;
        return true;
    }
    if (l->undefined) { /* the sequence ends, or its next item begins, and this item was not closed */
        note(p, DATASET_NOTE(DELIMITER_MISSING));
        close_level(p);
        return true;
    }
    if (tag == TAG_Item)
        return err_set(p->err, ERR_INVALID, "element_malformed", "an item outside of a sequence at byte %zu",
                       p->pos);
    note(p, DATASET_NOTE(DELIMITER_STRAY));
    p->pos += 8;
    return true;
}

static bool all_zero(const uint8_t *p, size_t n)
{
    while (n && *p == 0)
        p++, n--;
    return n == 0;
}

static bool step_item(struct parser *p, struct level *l)
{
    struct header h;
    uint32_t tag;

    /* Padding behind the last element: zeros, or less than a tag. */
    if (p->depth == 1 && p->data[p->pos] == 0 && all_zero(p->data + p->pos, l->end - p->pos)) {
        note(p, DATASET_NOTE(TRAILING));
        p->pos = l->end;
        return true;
    }
    if (l->end - p->pos < 8)
        return cut_short(p, l->end);
    tag = get_tag(p->data + p->pos, l->coding.big);
    if (tag >> 16 == 0xFFFE)
        return delimiter_in_item(p, l, tag);
    return read_header(p, l, &h) && read_value(p, l, &h);
}

static bool step_sequence(struct parser *p, struct level *l)
{
    uint32_t tag, length;

    if (l->end - p->pos < 8)
        return cut_short(p, l->end);
    tag = get_tag(p->data + p->pos, l->coding.big);
    length = get_u32(p->data + p->pos + 4, l->coding.big);
    if (tag == TAG_SequenceDelimitationItem) {
        if (l->undefined)
            close_level(p);
        else
            note(p, DATASET_NOTE(DELIMITER_STRAY));
        p->pos += 8;
        return true;
    }
    if (tag == TAG_ItemDelimitationItem) {
        note(p, DATASET_NOTE(DELIMITER_STRAY));
        p->pos += 8;
        return true;
    }
    if (tag != TAG_Item)
        return err_set(p->err, ERR_INVALID, "element_malformed", "no item in the sequence at byte %zu",
                       p->pos);
    p->pos += 8;
    if (length != UNDEFINED && length > l->end - p->pos)
        return cut_short(p, l->end);
    return open_item(p, l, length);
}

static bool run(struct parser *p)
{
    while (p->depth) {
        struct level *l = &p->levels[p->depth - 1];
        if (p->pos >= l->end) {
            if (l->undefined && l->end >= p->total)
                return cut_short(p, l->end);
            if (l->undefined)
                note(p, DATASET_NOTE(DELIMITER_MISSING));
            close_level(p);
        } else if (!(l->sequence ? step_sequence(p, l) : step_item(p, l))) {
            return false;
        }
    }
    return true;
}

static void begin(struct parser *p, struct dataset_item *root, size_t end, struct dataset_coding coding)
{
    p->levels[0] = (struct level){.end = end, .coding = coding, .item = root, .element_tail = &root->first};
    p->depth = 1;
}

bool dataset_parse(struct dataset *ds, struct dataset_item *root, size_t from, size_t end,
                   struct dataset_coding coding, struct err *err)
{
    struct parser p = {.ds = ds, .data = ds->data, .pos = from, .total = end, .err = err};

    begin(&p, root, end, coding);
    return run(&p);
}

/* Explicit little endian (PS3.10 7.1); writers that made it implicit exist. Its group length is not to be trusted: the group
 * ends where another begins. */
bool dataset_parse_meta(struct dataset *ds, size_t from, size_t *end, struct err *err)
{
    struct parser p = {.ds = ds, .data = ds->bytes, .pos = from, .total = ds->len, .err = err};
    struct dataset_coding coding = {0};

    if (ds->len - from >= 6 && !is_letter(ds->bytes[from + 4]))
        coding.implicit = true;
    begin(&p, &ds->meta, ds->len, coding);
    while (ds->len - p.pos >= 8 && get_u16(ds->bytes + p.pos, false) == 0x0002) {
        struct header h;
        if (!read_header(&p, &p.levels[0], &h) || !read_value(&p, &p.levels[0], &h))
            return false;
        if (p.depth != 1)
            return err_set(err, ERR_INVALID, "element_malformed", "a sequence in the File Meta Information");
    }
    *end = p.pos;
    return true;
}

bool dataset_coding_fits(struct dataset_coding coding, const uint8_t *p, size_t len)
{
    uint32_t tag;

    if (len < 8)
        return false;
    tag = get_tag(p, coding.big);
    if (tag >> 16 == 0xFFFE)
        return true; /* an empty item: its delimiter says nothing about the coding */
    if (!coding.implicit)
        return dicom_vr_known(VR_PACK(p[4], p[5]));
    /* The two letters of an explicit VR would make a length of more than 16 kilobytes. */
    return !dicom_vr_known(VR_PACK(p[4], p[5])) &&
           (get_u32(p + 4, false) <= len - 8 || get_u32(p + 4, false) == UNDEFINED);
}
