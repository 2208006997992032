/* frames.h - where each frame of the pixel data lies, so that a frame can be served without reading the rest.
 *
 * Owns    struct frames: two arrays, freed by frames_free().
 * Units   offsets are bytes from the start of the file (or of the inflated data set, see dataset_offset()).
 */
#pragma once
#include "dicom/dataset/dataset.h"

struct frames_piece {
    uint64_t offset;
    uint32_t length;
};

struct frames_frame {
    uint32_t first_piece, n_pieces; /* fragments, in order: together they are the frame's codestream */
    uint64_t bytes;
};

enum frames_source {
    FRAMES_NONE,           /* no pixel data */
    FRAMES_NATIVE,         /* one after the other, frame_bits apart */
    FRAMES_SINGLE,         /* one frame: all fragments */
    FRAMES_ONE_EACH,       /* as many fragments as frames */
    FRAMES_EXTENDED_TABLE, /* Extended Offset Table */
    FRAMES_BASIC_TABLE,    /* Basic Offset Table */
    FRAMES_SCANNED,        /* tables absent or wrong: by the codestreams' own start marks */
};

struct frames {
    enum frames_source source;
    uint32_t n_frames;
    /* FRAMES_NATIVE: frame n begins at bit n * frame_bits behind `offset` (1 bit images are packed without gaps). */
    uint64_t offset, frame_bits;
    bool table_wrong; /* there was an offset table, and it does not fit the fragments */
    struct frames_frame *frames;
    struct frames_piece *pieces;
    uint32_t n_pieces;
};

/** Find all frames. No pixel data: true, FRAMES_NONE.
 * @param[out] err ERR_INVALID  pixel_data_short   native pixel data holds fewer bytes than its frames need
 *                              frames_unclear     fragments cannot be told apart into Number of Frames
 *                              truncated          a fragment is longer than what is there
 *                 ERR_TOO_LARGE too_large          more frames or bytes than can be (2^31) */
bool frames_find(struct frames *out, const struct dataset *ds, struct err *err);
void frames_free(struct frames *f);
/** Bits of one native frame: rows x columns x samples x bits allocated, YBR_FULL_422 and 420 counted as they are
 * stored; 0 when the image module is not complete. */
uint64_t frames_native_bits(const struct dataset_item *root);
