/* dataset_write.h - small data sets made here: DIMSE command sets, C-FIND identifiers and answers, worklist rows,
 * File Meta Information. Not for images: those are kept as they came.
 *
 * Owns    struct dataset_out: one growing buffer; dataset_out_free(). The bytes of dataset_out_done() belong to the caller.
 * Runs on any thread. The caller puts elements in ascending order of tags; another order is our own fault and aborts.
 */
#pragma once
#include "core/err.h"
#include "dicom/dataset/dictionary.h"
#include "dicom/dataset/charset.h"
#include <stddef.h>
#include <stdint.h>

struct dataset_out;

/* What our File Meta Information and association requests say wrote them (PS3.7 D.3.3.2). */
#define DICOM_IMPLEMENTATION_UID  "2.25.226418364219372410934817635720915423187"
#define DICOM_IMPLEMENTATION_NAME "YUNZHEN_1"

#define SYNTAX_IMPLICIT_LITTLE "1.2.840.10008.1.2"
#define SYNTAX_EXPLICIT_LITTLE "1.2.840.10008.1.2.1"
#define SYNTAX_EXPLICIT_BIG    "1.2.840.10008.1.2.2"
#define SYNTAX_DEFLATED        "1.2.840.10008.1.2.1.99"

/** @param syntax implicit little, explicit little or explicit big endian */
struct dataset_out *dataset_out_new(const char *syntax);
void dataset_out_free(struct dataset_out *o);
/** Which character set the following text is written in, and (0008,0005) for it; UTF-8 (ISO_IR 192) unless told.
 * Call it before any text. */
void dataset_out_charset(struct dataset_out *o, enum charset_id set);

/** UTF-8 text; the VR is the dictionary's. Characters the set does not have become '?'. NULL or "": an empty element. */
void dataset_out_text(struct dataset_out *o, uint32_t tag, const char *utf8);
void dataset_out_uid(struct dataset_out *o, uint32_t tag, const char *uid);
/** By the dictionary's VR: US, UL, SS, SL as binary; IS as text. */
void dataset_out_int(struct dataset_out *o, uint32_t tag, int64_t value);
void dataset_out_bytes(struct dataset_out *o, uint32_t tag, uint16_t vr, const uint8_t *value, size_t len);
/** Sequences of undefined length, items of undefined length; at most 8 deep. */
void dataset_out_sequence(struct dataset_out *o, uint32_t tag);
void dataset_out_item(struct dataset_out *o);
void dataset_out_item_end(struct dataset_out *o);
void dataset_out_sequence_end(struct dataset_out *o);

/** The bytes, freed by the caller; the writer is freed. */
uint8_t *dataset_out_done(struct dataset_out *o, size_t *len);
/** A command set: group 0000 in implicit little endian with its group length in front (PS3.7 6.3.1). */
uint8_t *dataset_out_command(struct dataset_out *o, size_t *len);

/** Preamble, DICM and group 0002 for a data set that came in `syntax` from the calling AE (may be NULL). */
uint8_t *dataset_meta_write(const char *sop_class, const char *sop_instance, const char *syntax,
                            const char *source_ae, size_t *len);
