/* sandbox.h - children that read untrusted media get little: no network, no other program, limited memory, time and space.
 *
 * Runs on the child, between fork() and execve() or right after its start; nothing here allocates or logs.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct sandbox_limits {
    uint64_t memory_bytes, file_bytes;
    uint32_t cpu_s;
};

/** Before execve(): limits, lowest CPU priority but one, death with the parent, no way to a network or to other processes.
 * Inherited by whatever is executed. false: the kernel refused the filter; the caller then gives up. */
bool sandbox_enter(const struct sandbox_limits *limits);
/** When every file is open and every library loaded: from here on only computing, reading and writing what is open.
 * Anything else answers EPERM. */
bool sandbox_only_compute(void);
