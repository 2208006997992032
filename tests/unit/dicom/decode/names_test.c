/* names_test.c - names in every character set, through the real process, which may open no file once it reads. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/json.h"
#include "dicom/dataset/dataset_write.h"
#include "dicom/decoders.h"
#include "tests/unit/test.h"

struct indexing {
    struct loop *loop;
    struct decoders *pool;
    bool done;
    char *facts; /* the first line */
};

static void close_all(void *arg)
{
    struct indexing *x = arg;

    decoders_free(x->pool);
    loop_free(x->loop);
    free(x->facts);
}

static void on_index(void *arg, struct decode_result *result, const struct err *err)
{
    struct indexing *x = arg;

    x->done = true;
    CHECK_STR(err->reason, "");
    x->facts = calloc(1, result->answer.bytes + 1);
    CHECK_INT(pread(result->fd, x->facts, result->answer.bytes, 0), result->answer.bytes);
    *strchr(x->facts, '\n') = '\0';
}

/* A file with that name in that set; descriptor. */
static int file_with(enum charset_id set, const char *name)
{
    struct dataset_out *o = dataset_out_new(SYNTAX_EXPLICIT_LITTLE);
    size_t len;
    uint8_t *p;
    int fd = memfd_create("names", MFD_CLOEXEC);

    dataset_out_charset(o, set);
    dataset_out_uid(o, TAG_SOPClassUID, "1.2.840.10008.5.1.4.1.1.7");
    dataset_out_uid(o, TAG_SOPInstanceUID, "1.2.3");
    dataset_out_text(o, TAG_PatientName, name);
    dataset_out_uid(o, TAG_StudyInstanceUID, "1.2.4");
    dataset_out_uid(o, TAG_SeriesInstanceUID, "1.2.5");
    p = dataset_out_done(o, &len);
    CHECK_INT(write(fd, p, len), len);
    free(p);
    return fd;
}

static void check_name(struct indexing *x, enum charset_id set, const char *name)
{
    const struct decode_params params = {.op = DECODE_INDEX};
    int fd = file_with(set, name);
    struct err err = ERR_INIT;
    json_t *facts;

    x->done = false;
    CHECK(decoders_run(x->pool, DECODERS_SOMEBODY_WAITS, &params, fd, -1, on_index, x));
    CHECK_SOON(x->loop, x->done);
    close(fd);
    CHECK_OK(json_parse(&facts, (uint8_t *)x->facts, strlen(x->facts), NULL, &err), &err);
    CHECK_STR(json_string_value(json_object_get(facts, "patient_name")), name);
    json_decref(facts);
    free(x->facts);
    x->facts = NULL;
}

TEST(decode_names, every_character_set_is_read_inside_of_the_sandbox)
{
    const struct decoders_config config = {
        .program = DECODE_PROGRAM, .processes = 1, .deadline_us = 60 * US_PER_S};
    static struct indexing x; /* outlives the test, for close_all() */
    struct err err = ERR_INIT;

    test_cleanup(t, close_all, &x);
    CHECK_OK(loop_new(&x.loop, &err), &err);
    CHECK_OK(decoders_new(&x.pool, x.loop, &config, &err), &err);
    check_name(&x, CHARSET_GB18030, "Wang^XiaoDong=王^小东");
    check_name(&x, CHARSET_GBK, "龘^靐");
    check_name(&x, CHARSET_GB2312, "Wang=王^小东");
    check_name(&x, CHARSET_UTF8, "李^䶮");
    check_name(&x, CHARSET_JIS0208, "Yamada=山田^太郎");
    check_name(&x, CHARSET_KOREAN, "Hong=洪^吉洞");
    check_name(&x, CHARSET_LATIN1, "Müller");
    check_name(&x, CHARSET_GREEK, "Διονυσιος");
    check_name(&x, CHARSET_CYRILLIC, "Люкceмбypг");
}
