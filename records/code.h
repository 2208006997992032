/* code.h - words for paper and keyboards: Crockford's base32 (no I, L, O, U). Pure but for the random one; any thread. */
#pragma once
#include <stdint.h>

#define CODE_ID_TEXT     14 /* 13 characters: fits DICOM's SH of 16 */
#define CODE_RANDOM_TEXT 27 /* 26 characters, 130 random bits */

/** The accession number of an exam: its id, most significant digit first, so that they sort alike. */
void code_of_id(int64_t id, char out[CODE_ID_TEXT]);
void code_random(char out[CODE_RANDOM_TEXT]);
