/* folder.h - the recordings' folders: names from outside that lead nowhere else, and files that appear whole.
 *
 * Names   a folder is at most FOLDER_DEPTH words of [A-Za-z0-9._-], none beginning with a dot, joined by '/', relative.
 *         Every word is opened by itself without following a symbolic link, so neither the word nor what somebody put on
 *         the disk leads out of the root.
 * Owns    nothing; descriptors are the caller's. Any thread; these calls wait for the disk.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"

#define FOLDER_DEPTH 4

/** ERR_INVALID "path_invalid" unless dir is such a name. */
bool folder_name_check(const char *dir, struct err *err);

/** The root itself, made when absent. */
bool folder_root(int *out_fd, const char *path, struct err *err);
/** ERR_INVALID "path_invalid", ERR_NOT_FOUND when absent and not to be made, ERR_IO. */
bool folder_open(int *out_fd, int root_fd, const char *dir, bool create, struct err *err);

/** A regular file of this folder, by a name without '/'. flags as for open(2). */
bool folder_file(int *out_fd, int dir_fd, const char *name, int flags, struct err *err);
/** Whole file into memory, freed by the caller, a NUL behind it. ERR_NOT_FOUND, ERR_TOO_LARGE over max. */
bool folder_read(uint8_t **out, size_t *len, int dir_fd, const char *name, size_t max, struct err *err);
/** Replace or make a file so that after a crash it is either the old one or the new one (rename, fsync of both). */
bool folder_write(int dir_fd, const char *name, const void *data, size_t len, struct err *err);
/** Absent is fine. */
bool folder_remove(int dir_fd, const char *name, struct err *err);
