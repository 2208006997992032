/* protocol.h - what yz-dicomd's pool says to a yz-decode process, and what it answers.
 *
 * Carrier a SEQPACKET socketpair, descriptor DECODE_FD in the child. One request at a time per process: the next one is
 *         sent after the answer. A request brings two descriptors (SCM_RIGHTS): the file, readable, and the output, an
 *         empty memfd or file that is writable. Both ends are of one build, so the structs travel as they are; another
 *         size or magic is a bug and ends the process.
 * Output  what was asked for stands in the output from offset 0, `bytes` long, when the answer says ok; otherwise the
 *         output is to be thrown away.
 */
#pragma once
#include <stdint.h>

#define DECODE_FD    3
#define DECODE_MAGIC 0x317a7964u /* "dyz1" */

enum decode_op {
    DECODE_INDEX = 1,    /* JSON: metadata, frame table, identity (dicom/dataset/index.h) */
    DECODE_FRAME = 2,    /* stored values of one frame */
    DECODE_RENDER = 3,   /* one frame as people see it, JPEG or PNG */
    DECODE_WAVEFORM = 4, /* JSON of an ECG */
    DECODE_ESCAPE = 5, /* test builds only: tries what the sandbox must refuse; others answer `op_unknown` */
};

enum decode_format { DECODE_JPEG = 0, DECODE_PNG = 1 };

struct decode_params {
    uint32_t op;
    uint32_t frame;   /* FRAME, RENDER: from 0 */
    uint32_t format;  /* RENDER: enum decode_format */
    uint32_t quality; /* RENDER as JPEG: 1 … 100; 0: 90 */
    uint32_t width,
        height; /* RENDER: the picture fits into this box, never enlarged; 0: no limit on that side */
    uint32_t
        window_given; /* RENDER: 1: the two below; 0: the file's first window, without one the frame's range */
    uint32_t probe;   /* ESCAPE: which one */
    double center, breadth; /* RENDER: VOI window as in (0028,1050) and (0028,1051), LINEAR */
};

struct decode_request {
    uint32_t magic, length; /* sizeof(struct decode_request) */
    uint64_t job;
    struct decode_params params;
};

/* Why not, stable words (`reason` of the answer and of the pool's error):
 *   not_dicom             no data set begins here
 *   truncated             the file, or the frame's stream, ends too early
 *   corrupt               the data set contradicts itself
 *   too_large             more than DECODE_FRAME_MAX bytes, or more memory than a decoder has
 *   syntax_unsupported    no codec of ours reads this transfer syntax (JPIP, MPEG, …)
 *   pixel_format          Bits Allocated, samples or photometric interpretation nobody defined
 *   pixel_data_missing    the file holds no picture
 *   frame_missing         it has fewer frames
 *   codec_failed          the codec refused the stream
 *   waveform_missing      the file holds no waveform
 *   op_unknown            no such operation in this build
 *   output_failed         the output could not be written
 * and of the pool alone:
 *   decoder_died          two processes ended in the middle of this job
 *   decoder_slow          it took longer than the deadline
 *   decoder_busy          the queue is full; the same request may be sent again
 *   decoder_missing       no decoder could be started
 */
#define DECODE_REASON_MAX 48

#define DECODE_FRAME_MAX (512u << 20) /* bytes of one frame's stored values */

struct decode_answer {
    uint32_t magic, length;
    uint64_t job;
    uint32_t ok;
    uint32_t renew; /* this process has done enough; it ends after this answer */
    uint64_t bytes; /* in the output */
    /* FRAME: of the values; RENDER: of the picture (samples 1 or 3, allocated 8) */
    uint32_t rows, columns, samples, bits_allocated, bits_stored, pixel_representation, frames;
    char photometric[20];           /* of the values as given */
    char reason[DECODE_REASON_MAX]; /* "" when ok */
    char text[400];                 /* for operators; never a name */
};

/* DECODE_FRAME's values: little endian, Bits Allocated wide (1 bit images: one byte a pixel, and the answer says 8
 * allocated), colour interleaved by pixel (YBR_FULL_422 with its chroma given to both pixels), no padding byte; no LUT and
 * no colour transform but the one inside the codec. Signed values of fewer bits are extended by their sign. */
