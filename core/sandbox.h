/* sandbox.h - processes that read untrusted bytes get little: no network, no other program, limited memory, time and space.
 *
 * Runs on the process that gives its rights away: between fork() and execve(), or right after its start before the first
 *         foreign byte. Nothing here allocates or logs.
 * Rule   what a policy refuses answers EPERM; another architecture's calls end the process.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct sandbox_limits {
    /* Address space, and of it what is not a mapped file (0: no limit of its own). Under a sanitizer neither is
     * enforced: its shadow is larger than any limit. */
    uint64_t memory_bytes, heap_bytes;
    uint64_t file_bytes;  /* of each file written */
    uint64_t stack_bytes; /* 0: as inherited */
    uint32_t cpu_s;
    uint32_t open_files; /* 0: 64 */
};

enum sandbox_policy {
    /* Everything but networks, other processes and the kernel's back doors; survives execve(). */
    SANDBOX_NO_REACH,
    /* Only computing, threads, reading and writing what is open: media files, documents. */
    SANDBOX_COMPUTE,
    /* Computing in one thread; no file opened or duplicated, messages from SANDBOX_DECODER_FD only, no memory
     * becomes executable. */
    SANDBOX_DECODER,
};
#define SANDBOX_DECODER_FD 3

/** Before execve(): limits, lowest CPU priority but one, death with the parent, SANDBOX_NO_REACH. Inherited by whatever
 * is executed. false: the kernel refused the filter; the caller then gives up. */
bool sandbox_enter(const struct sandbox_limits *limits);
/** Add a policy to what holds already; the stricter answer wins. For sandbox_enter()'s policy call that. */
bool sandbox_keep_to(enum sandbox_policy policy);
