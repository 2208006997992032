/* manifest_test.c - a manifest as text, its signature, its gaps. */
#include <stdlib.h>
#include <string.h>
#include "media/record/manifest.h"
#include "tests/unit/test.h"

static struct manifest *sample(struct test *t)
{
    struct manifest *m = manifest_new("room", "1/88", INT64_C(1790000000000000));
    struct manifest_track *tr = manifest_track_add(m, "seat \"1\"", "video", "VP8", "");

    test_cleanup(t, (void (*)(void *))manifest_free, m);
    struct manifest_segment *s = manifest_segment_add(tr);
    s->bytes = 12345;
    s->records = 77;
    memset(s->head, 0xAB, sizeof s->head);
    manifest_segment_add(tr);
    strcpy(tr->file, "t1.webm");
    tr->duration_ms = 6000;
    manifest_track_add(m, "seat-2", "audio", "opus", "useinbandfec=1");
    manifest_gap_add(m, "t1", 5000, 6000, "recorder_lost");
    return m;
}

static struct sign_key *key(struct test *t)
{
    struct sign_key *k = NULL;
    struct err err = ERR_INIT;

    CHECK_OK(sign_key_load(&k, test_path(t, test_dir(t), "k"), true, &err), &err);
    test_cleanup(t, (void (*)(void *))sign_key_free, k);
    return k;
}

TEST(manifest, comes_back_as_it_was_written)
{
    struct manifest *m = sample(t), *back = NULL;
    struct err err = ERR_INIT;
    char *text = NULL, *again = NULL;
    size_t len = 0, len2 = 0;

    CHECK_OK(manifest_text(&text, &len, m, NULL, &err), &err);
    CHECK_OK(manifest_parse(&back, (uint8_t *)text, len, &err), &err);
    CHECK_OK(manifest_text(&again, &len2, back, NULL, &err), &err);
    CHECK_STR(again, text);
    CHECK_STR(back->tracks[0].segments[1].file, "t1-2.yzj");
    CHECK_STR(back->tracks[0].peer, "seat \"1\"");
    free(text);
    free(again);
    manifest_free(back);
}

TEST(manifest, a_signature_holds_for_this_text_and_no_other)
{
    struct manifest *m = sample(t);
    struct sign_key *k = key(t);
    struct err err = ERR_INIT;
    uint8_t pub[32], said[32];
    char *text = NULL;
    size_t len = 0;

    sign_key_public(k, pub);
    CHECK_OK(manifest_text(&text, &len, m, k, &err), &err);
    CHECK_OK(manifest_signature_check(said, (uint8_t *)text, len, &err), &err);
    CHECK_MEM(pub, said, 32);
    char *at = strstr(text, "12345");
    at[0] = '9';
    CHECK_ERR(manifest_signature_check(said, (uint8_t *)text, len, &err), &err, ERR_CORRUPT,
              "signature_differs");
    free(text);
    CHECK_OK(manifest_text(&text, &len, m, NULL, &err), &err);
    CHECK_ERR(manifest_signature_check(said, (uint8_t *)text, len, &err), &err, ERR_CORRUPT,
              "signature_missing");
    free(text);
}

TEST(manifest, names_that_would_lead_elsewhere_are_refused)
{
    static const char *const CHANGES[][2] = {
        {"\"t1-2.yzj\"", "\"../../x\""},
        {"\"t1.webm\"", "\"/etc/x\""},
        {"\"id\": \"t1\"", "\"id\": \"t9\""},
        {"\"state\": \"recording\"", "\"state\": \"wrong\""},
        {"\"version\": 1", "\"version\": 2"},
        {"\"tracks\": [", "\"tracks\": [ 1,"},
        {"\"gaps\": [", "\"gaps\": \"x\", \"g\": ["},
    };
    struct manifest *m = sample(t), *back = NULL;
    struct err err = ERR_INIT;
    char *text = NULL, changed[8192];
    size_t len = 0;

    CHECK_OK(manifest_text(&text, &len, m, NULL, &err), &err);
    for (size_t i = 0; i < sizeof CHANGES / sizeof CHANGES[0]; i++) {
        char *at = strstr(text, CHANGES[i][0]);
        CHECK(at != NULL);
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, CHANGES[i][1],
                 at + strlen(CHANGES[i][0]));
        CHECK_ERR(manifest_parse(&back, (uint8_t *)changed, strlen(changed), &err), &err, ERR_CORRUPT,
                  "manifest_invalid");
    }
    free(text);
}

TEST(manifest, cut_anywhere_it_is_refused)
{
    struct manifest *m = sample(t), *back = NULL;
    struct err err = ERR_INIT;
    char *text = NULL;
    size_t len = 0;

    CHECK_OK(manifest_text(&text, &len, m, NULL, &err), &err);
    for (size_t cut = 0; cut + 1 < len; cut++)
        CHECK_ERR(manifest_parse(&back, (uint8_t *)text, cut, &err), &err, ERR_CORRUPT, "manifest_invalid");
    free(text);
}

TEST(manifest, an_open_gap_is_closed_once_and_close_ones_join)
{
    struct manifest *m = manifest_new("room", "d", 1);

    manifest_gap_add(m, "t1", 1000, 0, "worker_lost");
    manifest_gap_add(m, "t1", 1500, 0, "worker_lost"); /* the same one */
    CHECK_INT(m->gaps_len, 1);
    manifest_gap_close(m, "t2", 9000);
    CHECK_INT(m->gaps[0].to_us, 0);
    manifest_gap_close(m, "t1", 9000);
    CHECK_INT(m->gaps[0].to_us, 9000);
    manifest_gap_close(m, "t1", 12000);
    CHECK_INT(m->gaps[0].to_us, 9000);
    manifest_gap_add(m, "t1", 9500, 9700, "worker_lost");
    CHECK_INT(m->gaps_len, 1);
    CHECK_INT(m->gaps[0].to_us, 9700);
    manifest_gap_add(m, "t1", 5000000, 6000000, "worker_lost");
    manifest_gap_add(m, "t1", 5000000, 6000000, "disk_full");
    CHECK_INT(m->gaps_len, 3);
    for (int i = 0; i < 2 * MANIFEST_GAPS; i++)
        manifest_gap_add(m, "t3", i * INT64_C(10000000), i * INT64_C(10000000) + 1, "recorder_slow");
    CHECK_INT(m->gaps_len, MANIFEST_GAPS);
    manifest_free(m);
}
