/* dicom_json.h - a data set as the DICOM JSON model (PS3.18 Annex F), written straight into one buffer.
 *
 * Owns    the text in struct json_buf, freed by json_buf_free().
 * Rules   text is UTF-8 whatever the file held, so (0008,0005) says ISO_IR 192. Group lengths, File Meta and delimiters
 *         are left out. Numbers that are no numbers stand as strings ("IS" of "1.5.2"), FL and FD that are not finite as null.
 *         Binary up to inline_max bytes is InlineBinary (look-up tables of group 0028 up to 128 KiB, unless that is 0); what is longer, and pixel data always, is a BulkDataURI:
 *         bulk_base + "/bulkdata/" + path, where the path is the tag, or tag/item/tag... inside sequences (items from 1).
 */
#pragma once
#include "dicom/dataset/dataset.h"

struct json_buf {
    char *text;
    size_t len, cap;
};
void json_buf_free(struct json_buf *b);
void json_buf_add(struct json_buf *b, const char *text, size_t len);
void json_buf_print(struct json_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** A JSON string with its quotes. NULL: null. */
void json_buf_string(struct json_buf *b, const char *utf8);
void json_buf_text(struct json_buf *b, const char *p, size_t len);
/** A number, the shortest text that reads back as the same; null when it is not finite. */
void json_buf_real(struct json_buf *b, double v);
/** Base64 with its quotes. */
void json_buf_base64(struct json_buf *b, const uint8_t *p, size_t len);

struct dicom_json_options {
    const char *bulk_base; /* "" or NULL: relative */
    size_t inline_max;     /* 0: no InlineBinary at all */
};
#define DICOM_JSON_INLINE_MAX 4096

/** Append the data set as one object. What was repaired in its text is added to *repaired (enum charset_repair; may be NULL). */
void dicom_json_write(struct json_buf *b, const struct dataset *ds, const struct dicom_json_options *options,
                      unsigned *repaired);
/** Append a single element as `"00100010":{...}`: QIDO answers are put together from these. */
void dicom_json_element(struct json_buf *b, const struct dataset_item *item, const struct dataset_element *e,
                        const struct dicom_json_options *options, unsigned *repaired);
/** What a BulkDataURI's path ("7FE00010", "00400555/2/0040A043") stands for, or NULL. */
const struct dataset_element *dicom_json_bulk(const struct dataset *ds, const char *path);
