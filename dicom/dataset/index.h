/* index.h - what ingest keeps of an instance: who, what, how big, where its frames lie, what had to be repaired.
 *
 * Owns    struct index and its strings; index_free(). A pure function of the data set; yz-decode calls it for INDEX.
 * Text    UTF-8; "" when absent. UIDs are checked. Times as DICOM wrote them: dates YYYYMMDD, times HHMMSS[.ffffff].
 */
#pragma once
#include "dicom/dataset/dataset.h"
#include "dicom/dataset/dicom_json.h"
#include "dicom/dataset/frames.h"

#define INDEX_UIDS(X)                                                                                        \
    X(study_uid, TAG_StudyInstanceUID)                                                                       \
    X(series_uid, TAG_SeriesInstanceUID)                                                                     \
    X(sop_uid, TAG_SOPInstanceUID)                                                                           \
    X(sop_class, TAG_SOPClassUID)

/* name, tag, longest in bytes of UTF-8 (cut at a character): what the standard allows, in characters of four bytes */
#define INDEX_TEXTS(X)                                                                                       \
    X(patient_name, TAG_PatientName, 772)                                                                    \
    X(patient_no, TAG_PatientID, 256)                                                                        \
    X(patient_birth_date, TAG_PatientBirthDate, 8)                                                           \
    X(patient_sex, TAG_PatientSex, 16)                                                                       \
    X(accession_no, TAG_AccessionNumber, 64)                                                                 \
    X(study_id, TAG_StudyID, 64)                                                                             \
    X(study_date, TAG_StudyDate, 8)                                                                          \
    X(study_time, TAG_StudyTime, 16)                                                                         \
    X(study_description, TAG_StudyDescription, 256)                                                          \
    X(referring_name, TAG_ReferringPhysicianName, 772)                                                       \
    X(modality, TAG_Modality, 16)                                                                            \
    X(series_date, TAG_SeriesDate, 8)                                                                        \
    X(series_time, TAG_SeriesTime, 16)                                                                       \
    X(series_description, TAG_SeriesDescription, 256)                                                        \
    X(body_part, TAG_BodyPartExamined, 64)                                                                   \
    X(laterality, TAG_Laterality, 16)                                                                        \
    X(station, TAG_StationName, 64)                                                                          \
    X(institution, TAG_InstitutionName, 256)                                                                 \
    X(manufacturer, TAG_Manufacturer, 256)                                                                   \
    X(model, TAG_ManufacturerModelName, 256)                                                                 \
    X(acquired_date, TAG_AcquisitionDate, 8)                                                                 \
    X(acquired_time, TAG_AcquisitionTime, 16)                                                                \
    X(content_date, TAG_ContentDate, 8)                                                                      \
    X(content_time, TAG_ContentTime, 16)                                                                     \
    X(photometric, TAG_PhotometricInterpretation, 16)                                                        \
    X(image_type, TAG_ImageType, 128)

/* Numbers, -1 when absent. */
#define INDEX_INTS(X)                                                                                        \
    X(series_no, TAG_SeriesNumber)                                                                           \
    X(instance_no, TAG_InstanceNumber)                                                                       \
    X(rows, TAG_Rows)                                                                                        \
    X(columns, TAG_Columns)                                                                                  \
    X(frames, TAG_NumberOfFrames)                                                                            \
    X(samples, TAG_SamplesPerPixel)                                                                          \
    X(bits_allocated, TAG_BitsAllocated)                                                                     \
    X(bits_stored, TAG_BitsStored)                                                                           \
    X(high_bit, TAG_HighBit)                                                                                 \
    X(pixel_representation, TAG_PixelRepresentation)                                                         \
    X(planar, TAG_PlanarConfiguration)                                                                       \
    X(temporal_positions, TAG_NumberOfTemporalPositions)

struct index {
#define X(name, tag) char name[65];
    INDEX_UIDS(X)
#undef X
#define X(name, tag, max) char name[(max) + 1];
    INDEX_TEXTS(X)
#undef X
#define X(name, tag) int64_t name;
    INDEX_INTS(X)
#undef X
    char syntax[65];
    char charset[65];         /* (0008,0005) as written */
    char *patient_name_bytes; /* as it came, in hex, when it was repaired; else NULL */
    unsigned repaired;        /* enum charset_repair, of all text of the data set */
    unsigned notes;           /* DATASET_NOTE(...) */
    int64_t study_at_us;      /* study date and time, 0 when unknown; without a zone it is Asia/Shanghai's */
    size_t data_begin;        /* where the data set begins in the file */
    bool deflated;            /* frame offsets count in the inflated data set */
    bool has_pixels, has_waveform;
    char frames_reason
        [48]; /* "" or why no frame can be shown (frames.h): the instance is stored all the same */
    struct frames table;
};

/** Everything about one instance.
 * @param[out] err ERR_INVALID "identity_missing"  no SOP class, SOP instance, study or series UID: cannot be filed */
bool index_make(struct index *out, const struct dataset *ds, struct err *err);
void index_free(struct index *ix);

/** The three lines that INDEX gives, each one JSON object and a line feed:
 *   1  {"study_uid":..., ... every field above by its name; ints absent: null; "repaired":["was_gb18030",...],
 *      "notes":["no_preamble",...], "study_at_us":..., "frames_reason":...}           at most a few KiB
 *   2  {"source":"native","n":N,"offset":O,"frame_bits":B}  or
 *      {"source":"basic_table","n":N,"deflated":false,"frames":[[[offset,length],...],...]}   one list of pieces per frame
 *   3  the DICOM JSON of the data set (dicom_json.h) */
void index_write(struct json_buf *b, const struct index *ix, const struct dataset *ds,
                 const struct dicom_json_options *options);
void index_write_facts(struct json_buf *b, const struct index *ix);
void index_write_frames(struct json_buf *b, const struct index *ix);
/** "was_gb18030" ... of a bit of enum charset_repair. */
const char *index_repair_word(unsigned bit);
