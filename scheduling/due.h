/* due.h - what time alone causes: claims that were not served, circles that widen, sessions that begin and end, patients who
 * never came, and the seal on the audit trail. Everything is a question to the rows about now, so a restart forgets nothing.
 * On the deciding thread, about once a second. */
#pragma once
#include <stdbool.h>
struct owner;
void due_run(struct owner *o);

struct batch;
/** exam_due.c: images that arrived, readers who fell idle, pages of critical values. */
bool due_exams(struct batch *b);
