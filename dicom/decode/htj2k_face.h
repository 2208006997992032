/* htj2k_face.h - OpenJPH is C++; this is all of it that the rest sees. No exception leaves htj2k_face.cpp. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct htj2k_picture {
    uint32_t columns, rows, components, bits;
    int is_signed;
};
struct htj2k;

/** Read the headers. NULL: text says why. The stream is lent until htj2k_close(). */
struct htj2k *htj2k_open(const uint8_t *stream, size_t len, struct htj2k_picture *out, char *text,
                         size_t cap);
/** Called once for each line of each component, values lent for the call. */
typedef void htj2k_line_fn(void *arg, uint32_t component, uint32_t line, const int32_t *values);
/** @return 0, or -1 with text */
int htj2k_decode(struct htj2k *h, htj2k_line_fn *fn, void *arg, char *text, size_t cap);
void htj2k_close(struct htj2k *h);

#ifdef __cplusplus
}
#endif
