/* escape.h - what a decoder of the test build can be asked to try (decode_params.probe). */
#pragma once

enum escape {
    ESCAPE_ECHO, /* gives the file back: the process works */
    ESCAPE_OPEN,
    ESCAPE_SOCKET,
    ESCAPE_FORK,
    ESCAPE_PTRACE,
    ESCAPE_EXEC,
    ESCAPE_KILL,
    ESCAPE_MEMFD,
    ESCAPE_EXECUTABLE,
    ESCAPE_MEMORY,
    ESCAPE_STACK,
    ESCAPE_LOOP,
    ESCAPE_CRASH,
    ESCAPE_DISK,
    ESCAPE_LIE, /* says it wrote more than it did */
};
