/* sop.h - which abstract and transfer syntaxes this daemon speaks. Tables; any thread.
 *
 * Storage takes every class of the standard in every syntax we can take a data set of, since bytes are kept as they came.
 * A class that is not in the table is refused at negotiation (abstract-syntax-not-supported).
 */
#pragma once
#include <stdbool.h>
#include "dicom/pdu.h"

#define SOP_VERIFICATION "1.2.840.10008.1.1"
#define SOP_FIND_STUDY   "1.2.840.10008.5.1.4.1.2.2.1"
#define SOP_WORKLIST     "1.2.840.10008.5.1.4.31"

#define IMPLEMENTATION_UID     "2.25.226418364219372410934817635720915423187"
#define IMPLEMENTATION_VERSION "YUNZHEN_1"

enum sop_service { SOP_NONE, SOP_ECHO, SOP_STORE, SOP_FIND };

/** What a UID stands for; SOP_NONE: not ours. */
enum sop_service sop_service_of(const char *uid);
/** "CT Image", or NULL. */
const char *sop_storage_name(const char *uid);
/** May objects of this transfer syntax be stored? */
bool sop_syntax_stored(const char *uid);
/** May a small data set (C-FIND, C-ECHO) be in it: implicit and explicit little endian. */
bool sop_syntax_plain(const char *uid);
/** Answer one proposed context: result and chosen are set. The requestor's order of syntaxes is its preference. */
void sop_negotiate(struct pdu_context *c);
/** "" when longer than a UID may be. */
void sop_text(char out[PDU_UID + 1], struct pdu_text t);
