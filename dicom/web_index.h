/* web_index.h - what INDEX left beside each instance (dicom/dataset/index.h): three lines, facts, frames, attributes.
 * Reads files: on a worker. The lines are our own decoder's; still nothing in them is taken for granted. */
#pragma once
#include <stdint.h>
#include "core/json.h"
#include "dicom/dataset/dicom_json.h"

struct web_instance;

/** The whole of a small file, malloc'ed, with a NUL behind. ERR_IO, ERR_CORRUPT when it is longer than max. */
bool web_file_read(const char *path, size_t max, char **out, size_t *len, struct err *err);

/** Append the attributes of one instance as a JSON object: addresses of bulk data made whole, and the syntax it is kept in named
 * (0008,3002). */
bool web_index_attributes(struct json_buf *out, const char *study_uid, const struct web_instance *in,
                          struct err *err);
/** The third line with both done to it. Pure. */
void web_index_dress(struct json_buf *out, const char *line, size_t len, const char *bulk_base,
                     const char *syntax);

struct web_piece {
    uint64_t offset, length;
};
/* Where one frame's bytes lie in the file. */
struct web_frame {
    struct web_piece *pieces;
    size_t n;
    uint64_t length;
};
struct web_frame_table {
    uint32_t n_frames;
    bool native, deflated;
    bool aligned; /* each frame begins and ends at a byte */
    uint64_t offset, frame_bits;
    json_t *lists;   /* of an encapsulated one */
    char reason[48]; /* why no frame can be shown, or "" */
};
bool web_index_frames(struct web_frame_table *out, const struct web_instance *in, struct err *err);
/** @param frame from 0. pieces are malloc'ed. false: there is no such frame */
bool web_frame_find(const struct web_frame_table *t, uint32_t frame, struct web_frame *out);
void web_frame_table_free(struct web_frame_table *t);
