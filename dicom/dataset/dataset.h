/* dataset.h - a DICOM data set, read where it lies.
 *
 * Owns    struct dataset: the tree of elements and, of a deflated one, the inflated bytes. Values are not copied:
 *         they point into the caller's bytes, which must stay as they are until dataset_close(). dataset_close(NULL) is fine.
 * Runs on any thread; one data set belongs to one.
 * Trust   none: the bytes are the outside's. Every length is checked, nothing recurses, memory is bounded by the
 *         limits (about 40 bytes per element and what is inflated).
 * Errors  ERR_INVALID, with a reason that says what the sender did:
 *           not_dicom            neither File Meta Information nor a data set of any syntax
 *           truncated            ends in the middle of an element
 *           element_malformed    an element longer than the item it stands in, an item where none can be
 *           nesting_too_deep     more sequences inside each other than limits.depth_max
 *           too_many_elements    more than limits.elements_max            (ERR_TOO_LARGE)
 *           deflate_bomb         inflates to more than limits.inflated_max (ERR_TOO_LARGE)
 *           deflate_failed       not a deflate stream, or it ends too early
 *           syntax_unsupported   a transfer syntax whose data set nobody can read (ERR_UNSUPPORTED)
 *         What could be read in spite of a fault is read, and dataset_notes() says so.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"
#include "dicom/dataset/dictionary.h"

struct dataset;

enum dataset_flag {
    DATASET_BIG_ENDIAN = 1,   /* the numbers of this element */
    DATASET_ENCAPSULATED = 2, /* pixel data in fragments: frames.h */
    DATASET_UNDEFINED = 4,    /* its length was undefined */
    DATASET_VR_GUESSED = 8,   /* the VR is the dictionary's, the bytes named none or UN */
};

struct dataset_element {
    uint32_t tag;
    uint16_t vr;    /* VR_..., one of the standard's; VR_UN for what nobody knows */
    uint16_t flags; /* enum dataset_flag */
    size_t length;  /* bytes of the value; of sequences and fragments all, without the delimiter */
    const uint8_t *value;
    const struct dataset_item *items; /* of a sequence: its first item, or NULL */
    const struct dataset_element *next;
};

/* One data set: the outermost, or an item of a sequence. */
struct dataset_item {
    const struct dataset_element *first;
    const struct dataset_item *next;   /* the sequence's next item */
    const struct dataset_item *parent; /* the data set that the sequence is in; NULL outermost */
    uint32_t n_elements;
    uint32_t number; /* in its sequence, from 1 */
};

struct dataset_limits {
    size_t inflated_max, elements_max;
    unsigned depth_max; /* at most DATASET_DEPTH_MAX */
};
#define DATASET_DEPTH_MAX 64
extern const struct dataset_limits DATASET_LIMITS_DEFAULT; /* 128 MiB, 2 million, 32 */

/* Faults that did not keep us from reading. */
#define DATASET_NOTES(X)                                                                                     \
    X(NO_PREAMBLE, "no_preamble", "File Meta Information without the preamble")                              \
    X(NO_META, "no_meta", "no File Meta Information")                                                        \
    X(SYNTAX_GUESSED, "syntax_guessed", "the transfer syntax was found out from the bytes")                  \
    X(SYNTAX_MISLABELLED, "syntax_mislabelled", "the data set is in another syntax than its label says")     \
    X(DELIMITER_MISSING, "delimiter_missing", "a sequence or item ends without its delimiter")               \
    X(DELIMITER_STRAY, "delimiter_stray", "a delimiter where none belongs")                                  \
    X(ODD_LENGTH, "odd_length", "a value of odd length")                                                     \
    X(VR_UNKNOWN, "vr_unknown", "a VR that the standard does not have")                                      \
    X(UNSORTED, "unsorted", "elements out of order or twice")                                                \
    X(TRAILING, "trailing", "bytes after the end of the data set")
enum dataset_note {
#define X(name, word, text) DATASET_NOTE_BIT_##name,
    DATASET_NOTES(X)
#undef X
        DATASET_NOTE_COUNT
};
#define DATASET_NOTE(name) (1u << DATASET_NOTE_BIT_##name)
/** "no_preamble" ... of the bit's number. */
const char *dataset_note_word(unsigned bit);

/** Read a file: preamble and File Meta Information, or without either when the bytes can be nothing else.
 * @param limits NULL: the default */
bool dataset_open(struct dataset **out, const uint8_t *bytes, size_t len, const struct dataset_limits *limits,
                  struct err *err);
/** Read a data set whose syntax is known from outside: what C-STORE carries, an identifier, a command set
 * (implicit little endian). @param syntax a transfer syntax UID */
bool dataset_open_bare(struct dataset **out, const uint8_t *bytes, size_t len, const char *syntax,
                       const struct dataset_limits *limits, struct err *err);
void dataset_close(struct dataset *ds);

/** The outermost data set; never NULL. */
const struct dataset_item *dataset_root(const struct dataset *ds);
/** Group 0002, or an empty item. */
const struct dataset_item *dataset_meta(const struct dataset *ds);
/** As labelled; found out (SYNTAX_GUESSED) or corrected (SYNTAX_MISLABELLED) where the notes say so. */
const char *dataset_syntax(const struct dataset *ds);
/** Bits DATASET_NOTE(...). */
unsigned dataset_notes(const struct dataset *ds);
/** Where the data set begins in the bytes given: behind preamble and File Meta Information. */
size_t dataset_begin(const struct dataset *ds);
/** Where a value lies: in the bytes given to dataset_open(), or in the inflated data set when deflated is set. */
size_t dataset_offset(const struct dataset *ds, const uint8_t *value);
bool dataset_deflated(const struct dataset *ds);

/* Looking around. */
/** The element of this data set (not of its sequences), or NULL. */
const struct dataset_element *dataset_find(const struct dataset_item *item, uint32_t tag);
/** The first item of a sequence of this data set, or NULL. */
const struct dataset_item *dataset_sequence(const struct dataset_item *item, uint32_t tag);

/* Typed reads. False, and *out as it was: absent, empty, another VR, or not a value of its VR. Text is one value of
 * `\`-separated ones, without padding. Numbers: `index` counts values from 0. */
/** UI, checked: digits and dots, at most 64. */
bool dataset_uid(const struct dataset_item *item, uint32_t tag, char out[65]);
/** Text outside any character set as it stands (CS, AE, AS, DA, IS, SH ...), the first value; cut never, refused when
 * longer than cap - 1. For names and free text take charset.h. */
bool dataset_ascii(const struct dataset_item *item, uint32_t tag, char *out, size_t cap);
/** IS and the integer VRs. */
bool dataset_int(const struct dataset_item *item, uint32_t tag, unsigned index, int64_t *out);
/** DS, FL, FD and what dataset_int() takes. */
bool dataset_real(const struct dataset_item *item, uint32_t tag, unsigned index, double *out);
/** DA (also the old 2004.01.19) as YYYYMMDD. */
bool dataset_date(const struct dataset_item *item, uint32_t tag, char out[9]);
/** A date and a time element, or one DT in `date_tag` (time_tag 0), as UTC microseconds; a time zone of the DT or
 * of (0008,0201) counts, otherwise zone_s seconds east of Greenwich. A missing time is midnight. */
bool dataset_time(const struct dataset_item *item, uint32_t date_tag, uint32_t time_tag, int32_t zone_s,
                  int64_t *out_us);
/** How many values: by backslash for text (0 when empty), by size for numbers. */
size_t dataset_count(const struct dataset_element *e);
/** Number `index` of an element of a binary or numeric text VR; no VR check beyond that. */
bool dataset_element_int(const struct dataset_element *e, size_t index, int64_t *out);
bool dataset_element_real(const struct dataset_element *e, size_t index, double *out);
/** Value `index` of text, padding removed (leading and trailing spaces, trailing NUL), lent. */
bool dataset_element_text(const struct dataset_element *e, size_t index, const uint8_t **text, size_t *len);
