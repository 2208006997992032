/* problem_text.h - this daemon's own words for core/http/problem.h. */
#pragma once
#include "core/http/problem.h"

extern const struct problem_book SIGNALD_PROBLEMS;
