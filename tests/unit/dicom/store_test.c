/* What becomes of objects that come over an association: kept, refused with a status that says why, or cut off. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/crypto.h"
#include "core/mem.h"
#include "tests/unit/dicom/dicom_fx.h"

#define IN_TENANT " WHERE region_id = 150000 AND tenant_id = 21"

static struct scu call(struct dfx *f)
{
    struct scu s;

    scu_connect(&s, f);
    CHECK_INT(scu_associate(&s, "YUNZHEN", "CT1", CT_IMAGE, EXPLICIT), PDU_ASSOCIATE_AC);
    CHECK_INT(s.result, PDU_CONTEXT_ACCEPTED);
    return s;
}

static int store(struct scu *s, const struct dfx_image *im)
{
    size_t len;
    uint8_t *data = dfx_image(im, &len);
    int status = scu_store(s, CT_IMAGE, im->sop, data, len);

    free(data);
    return status;
}

TEST(associations, are_refused_with_the_reason_that_is_meant)
{
    struct dfx *f = dfx_open(t);
    struct scu s;

    dfx_start(f);
    scu_connect(&s, f);
    CHECK_INT(scu_associate(&s, "ORTHANC", "CT1", CT_IMAGE, EXPLICIT), PDU_ASSOCIATE_RJ);
    CHECK_INT(s.rj.result, 1);
    CHECK_INT(s.rj.source, 1);
    CHECK_INT(s.rj.reason, 7); /* called-AE-title-not-recognized */
    scu_close(&s);

    pg_sql("INSERT INTO dicom.ae_titles (region_id, ae, peers, tenant_id) VALUES (150000, 'ELSEWHERE', "
           "'192.0.2.0/24', 21)"
           " ON CONFLICT DO NOTHING");
    dfx_stop(f, SIGTERM);
    dfx_start(f);
    scu_connect(&s, f);
    CHECK_INT(scu_associate(&s, "YUNZHEN", "ELSEWHERE", CT_IMAGE, EXPLICIT), PDU_ASSOCIATE_RJ);
    CHECK_INT(s.rj.result, 1);
    CHECK_INT(s.rj.reason, 3); /* calling-AE-title-not-recognized */
    scu_close(&s);

    scu_connect(&s, f);
    CHECK_INT(scu_associate(&s, "YUNZHEN", "CT1", "1.2.840.113619.4.99", EXPLICIT), PDU_ASSOCIATE_AC);
    CHECK_INT(s.result, PDU_CONTEXT_ABSTRACT_UNKNOWN);
    scu_close(&s);

    scu_connect(&s, f);
    CHECK_INT(scu_associate(&s, "YUNZHEN", "CT1", CT_IMAGE, "1.2.840.113619.5.2"), PDU_ASSOCIATE_AC);
    CHECK_INT(s.result, PDU_CONTEXT_SYNTAXES_UNKNOWN);
    scu_close(&s);
}

TEST(store, keeps_the_data_set_bit_for_bit_under_a_head_of_ours)
{
    struct dfx *f = dfx_open(t);
    struct dfx_image im = {.sop = "1.2.3.10", .pixels = 70000, .fill = 7};
    struct scu s;
    uint8_t *data, hash[SHA256_LEN], *file;
    char hex[2 * SHA256_LEN + 1], *path;
    size_t len, bytes;
    FILE *in;

    dfx_start(f);
    s = call(f);
    data = dfx_image(&im, &len);
    CHECK_INT(scu_store(&s, CT_IMAGE, im.sop, data, len), DIMSE_SUCCESS);
    scu_close(&s);
    dfx_soon("SELECT count(*) FROM dicom.instances" IN_TENANT, 1);
    crypto_sha256(data, len, hash);
    crypto_hex(hash, sizeof hash, hex);
    CHECK_STR(dfx_value("SELECT encode(sha256, 'hex') FROM dicom.instances"), hex);
    path = mem_format("%s/imaging/%s", f->data, dfx_value("SELECT path FROM dicom.instances"));
    bytes = (size_t)dfx_count("SELECT bytes FROM dicom.instances");
    CHECK_INT(bytes - len, dfx_count("SELECT data_begin FROM dicom.instances"));
    file = mem_new(bytes + 1);
    in = fopen(path, "re");
    CHECK(in != NULL);
    CHECK_INT(fread(file, 1, bytes + 1, in), bytes);
    fclose(in);
    CHECK_MEM(file + 128, "DICM", 4);
    CHECK_MEM(file + bytes - len, data, len);
    CHECK_STR(dfx_value("SELECT patient_name || '|' || patient_no || '|' || n_instances || '|' || n_series "
                        "|| '|' || source"
                        " FROM records.studies"),
              "王^小东|P1|1|1|CT1");
    dfx_soon("SELECT count(*) FROM records.studies WHERE state = 'arriving'", 1);
    CHECK_INT(dfx_files(f, "incoming"), 0);
    free(file);
    free(path);
    free(data);
    CHECK_INT(dfx_stop(f, SIGTERM), 0);
}

TEST(store, the_same_bytes_twice_are_one_instance_and_other_bytes_go_to_quarantine)
{
    struct dfx *f = dfx_open(t);
    struct dfx_image im = {.sop = "1.2.3.10", .fill = 1}, other = {.sop = "1.2.3.10", .fill = 2};
    struct scu s;

    dfx_start(f);
    s = call(f);
    CHECK_INT(store(&s, &im), DIMSE_SUCCESS);
    dfx_soon("SELECT count(*) FROM dicom.instances" IN_TENANT, 1);
    CHECK_INT(store(&s, &im), DIMSE_SUCCESS);
    CHECK_INT(store(&s, &other), DIMSE_DUPLICATE_INSTANCE);
    CHECK_STR(s.comment, "same_uid_other_bytes: kept in quarantine");
    scu_close(&s);
    dfx_soon("SELECT count(*) FROM dicom.quarantine" IN_TENANT " AND reason = 'same_uid_other_bytes'", 1);
    CHECK_INT(dfx_count("SELECT count(*) FROM dicom.instances"), 1);
    CHECK_INT(dfx_count("SELECT n_instances FROM records.studies"), 1);
    CHECK_INT(dfx_files(f, "quarantine"), 1);
    CHECK_INT(dfx_files(f, "incoming"), 0);
}

TEST(store, a_study_does_not_take_in_another_patients_images)
{
    struct dfx *f = dfx_open(t);
    struct dfx_image im = {.sop = "1.2.3.10", .patient_no = "P1"},
                     other = {.sop = "1.2.3.11", .patient_no = "P2"};
    struct scu s;

    dfx_start(f);
    s = call(f);
    CHECK_INT(store(&s, &im), DIMSE_SUCCESS);
    dfx_soon("SELECT count(*) FROM dicom.instances" IN_TENANT, 1);
    CHECK_INT(store(&s, &other), DIMSE_WRONG_CLASS);
    CHECK_STR(s.comment, "patient_differs: kept in quarantine");
    scu_close(&s);
    dfx_soon("SELECT count(*) FROM dicom.quarantine" IN_TENANT " AND reason = 'patient_differs'", 1);
    CHECK_INT(dfx_count("SELECT n_instances FROM records.studies"), 1);
}

/* The rows wait for the disk: neither image is there when the other one is asked about. */
TEST(store, of_two_patients_in_one_new_study_at_once_the_second_goes_to_quarantine)
{
    struct dfx *f = dfx_open(t);
    struct dfx_image im = {.sop = "1.2.3.10", .patient_no = "P1"},
                     other = {.sop = "1.2.3.11", .patient_no = "P2"};
    char *region = mem_format("%s/imaging/150000", f->data);
    struct scu s;
    int block;

    dfx_start(f);
    block = open(region, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(block >= 0);
    close(block);
    s = call(f);
    CHECK_INT(store(&s, &im), DIMSE_SUCCESS);
    CHECK_INT(store(&s, &other), DIMSE_SUCCESS);
    scu_close(&s);
    CHECK_INT(unlink(region), 0);
    dfx_soon("SELECT count(*) FROM dicom.quarantine" IN_TENANT
             " AND reason = 'patient_differs' AND status = 43264 AND sop_uid = '1.2.3.11'",
             1);
    dfx_soon("SELECT count(*) FROM dicom.instances" IN_TENANT " AND sop_uid = '1.2.3.10'", 1);
    CHECK_STR(dfx_value("SELECT patient_no || ' ' || n_instances || ' ' || n_series FROM records.studies"),
              "P1 1 1");
    CHECK_INT(dfx_stop(f, SIGTERM), 0);
    CHECK_INT(dfx_files(f, "quarantine"), 1);
    CHECK_INT(dfx_files(f, "incoming"), 0);
    free(region);
}

TEST(store, the_same_object_by_two_machines_at_once_is_one_row)
{
    struct dfx *f = dfx_open(t);
    struct dfx_image im = {.sop = "1.2.3.11", .fill = 1};
    struct scu a, b;
    struct pdu_out o = {0};
    uint8_t *data;
    size_t len;
    uint32_t n;

    dfx_start(f);
    a = call(f);
    b = call(f);
    data = dfx_image(&im, &len);
    scu_put_store(&o, 1, CT_IMAGE, im.sop, data, len, 16384);
    scu_send(&a, o.data, o.len);
    scu_send(&b, o.data, o.len);
    CHECK_INT(scu_read(&a, &n), PDU_DATA);
    CHECK_INT(scu_read(&b, &n), PDU_DATA);
    dfx_soon("SELECT count(*) FROM dicom.instances" IN_TENANT, 1);
    CHECK_INT(dfx_count("SELECT count(*) FROM dicom.quarantine"), 0);
    pdu_out_free(&o);
    free(data);
    scu_close(&a);
    scu_close(&b);
    CHECK_INT(dfx_stop(f, SIGTERM), 0);
    CHECK_INT(dfx_files(f, "incoming"), 0);
}

TEST(store, what_is_no_data_set_or_another_one_is_refused_with_a_status_that_says_why)
{
    struct dfx *f = dfx_open(t);
    static const char TEXT[] = "Dear archive, this is not an image, but it would very much like to be one.";
    struct dfx_image im = {.sop = "1.2.3.12"};
    uint8_t *data;
    size_t len;
    struct scu s;

    dfx_start(f);
    s = call(f);
    data = dfx_image(&im, &len);
    CHECK_INT(scu_store(&s, CT_IMAGE, "1.2.3.13", (const uint8_t *)TEXT, sizeof TEXT), DIMSE_NOT_UNDERSTOOD);
    CHECK(strstr(s.comment, "kept in quarantine") != NULL);
    CHECK_INT(scu_store(&s, CT_IMAGE, "1.2.3.99", data, len), DIMSE_WRONG_CLASS);
    CHECK(strstr(s.comment, "instance_differs") == s.comment);
    CHECK_INT(scu_store(&s, "1.2.840.10008.5.1.4.1.1.4", "1.2.3.12", data, len), DIMSE_CLASS_NOT_SUPPORTED);
    CHECK_INT(scu_store(&s, CT_IMAGE, "", data, len), DIMSE_INVALID_ARGUMENT);
    CHECK_INT(scu_store(&s, CT_IMAGE, "1.2.3.12", data, len - 30),
              DIMSE_NOT_UNDERSTOOD); /* its pixels end too early */
    CHECK(strstr(s.comment, "truncated") == s.comment);
    CHECK_INT(scu_store(&s, CT_IMAGE, "1.2.3.12", data, len), DIMSE_SUCCESS);
    im = (struct dfx_image){.sop = "1.2.3.14",
                            .series = "1.2.x"}; /* the rows would refuse it after the promise */
    CHECK_INT(store(&s, &im), DIMSE_WRONG_CLASS);
    CHECK(strstr(s.comment, "identity_missing") == s.comment);
    scu_close(&s);
    dfx_soon("SELECT count(*) FROM dicom.quarantine" IN_TENANT, 4);
    dfx_soon("SELECT count(*) FROM dicom.instances" IN_TENANT, 1);
    CHECK_INT(dfx_files(f, "quarantine"), 4);
    free(data);
}

/* A file where the region's folder should be stands for a disk that takes no new names. */
TEST(store, what_was_promised_waits_for_the_disk_outlives_a_kill_and_needs_no_decoder)
{
    struct dfx *f = dfx_open(t);
    struct dfx_image im = {.sop = "1.2.3.15"};
    char *region = mem_format("%s/imaging/150000", f->data),
         *journal = mem_format("%s/imaging/incoming/journal", f->data);
    struct stat st;
    struct scu s;
    int block;

    dfx_start(f);
    block = open(region, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(block >= 0);
    close(block);
    s = call(f);
    CHECK_INT(store(&s, &im), DIMSE_SUCCESS);
    scu_close(&s);
    dfx_stop(f, SIGKILL);
    dfx_start(f);
    CHECK_INT(dfx_stop(f, SIGTERM), 0); /* the rows thread has tried at least once */
    CHECK_INT(dfx_count("SELECT count(*) FROM dicom.instances" IN_TENANT), 0);
    CHECK_INT(stat(journal, &st), 0);
    CHECK(st.st_size > 0);
    CHECK_INT(unlink(region), 0);
    f->arg[0] = "--dicom.decoder=/nonexistent/yz-decode";
    dfx_start(f);
    dfx_soon("SELECT count(*) FROM dicom.instances" IN_TENANT, 1);
    CHECK_INT(dfx_count("SELECT count(*) FROM dicom.quarantine" IN_TENANT), 0);
    CHECK_INT(dfx_stop(f, SIGTERM), 0);
    CHECK_INT(dfx_files(f, "incoming"), 0);
    free(region);
    free(journal);
}

static int64_t log_lines(const struct dfx *f, const char *word)
{
    char line[4096];
    int64_t n = 0;
    FILE *in = fopen(f->log, "re");

    while (in && fgets(line, sizeof line, in))
        n += strstr(line, word) != NULL;
    if (in)
        fclose(in);
    return n;
}

TEST(upper_layer, without_descriptors_rests_a_second_at_a_time_and_goes_on)
{
    struct dfx *f = dfx_open(t);
    struct rlimit was, none;
    struct scu s;

    dfx_start(f);
    CHECK_INT(prlimit(f->pid, RLIMIT_NOFILE, NULL, &was), 0);
    none = (struct rlimit){3, was.rlim_max};
    CHECK_INT(prlimit(f->pid, RLIMIT_NOFILE, &none, NULL), 0);
    scu_connect(&s, f); /* the kernel takes it */
    for (int i = 0; i < FX_WAIT_MS / 10 && log_lines(f, "dicom_descriptors") < 2; i++)
        usleep(10000);
    CHECK_INT(prlimit(f->pid, RLIMIT_NOFILE, &was, NULL), 0);
    CHECK(log_lines(f, "dicom_descriptors") >= 2);
    CHECK(log_lines(f, "dicom_descriptors") < 100); /* a loop that spins writes thousands */
    CHECK_INT(scu_associate(&s, "YUNZHEN", "CT1", CT_IMAGE, EXPLICIT), PDU_ASSOCIATE_AC);
    scu_close(&s);
}

/* At each boundary of a PDU, and at bytes anywhere. */
TEST(store, an_association_cut_at_any_byte_leaves_nothing_half_stored)
{
    struct dfx *f = dfx_open(t);
    struct dfx_image im = {.sop = "1.2.3.20", .pixels = 40000};
    struct pdu_out o = {0};
    size_t len, cuts[80], n = 0, at = 0;
    uint8_t *data = dfx_image(&im, &len);
    struct scu s;

    scu_put_store(&o, 1, CT_IMAGE, im.sop, data, len, 4096);
    while (at < o.len) { /* heads say where the PDUs end */
        at += PDU_HEAD + ((size_t)o.data[at + 2] << 24 | (size_t)o.data[at + 3] << 16 |
                          (size_t)o.data[at + 4] << 8 | o.data[at + 5]);
        if (at < o.len)
            cuts[n++] = at;
    }
    srand(3);
    for (int i = 0; i < 40; i++)
        cuts[n++] = 1 + (size_t)rand() % (o.len - 1);
    dfx_start(f);
    for (size_t i = 0; i < n; i++) {
        s = call(f);
        scu_send(&s, o.data, cuts[i]);
        if (i % 3 == 0) { /* an A-ABORT in the middle of nowhere, or just gone */
            static const uint8_t ABORT[] = {7, 0, 0, 0, 0, 4, 0, 0, 0, 0};
            scu_send(&s, ABORT, sizeof ABORT);
        }
        scu_close(&s);
    }
    s = call(f); /* the server goes on */
    CHECK_INT(scu_store(&s, CT_IMAGE, im.sop, data, len), DIMSE_SUCCESS);
    scu_close(&s);
    dfx_soon("SELECT count(*) FROM dicom.instances" IN_TENANT, 1);
    CHECK_INT(dfx_count("SELECT count(*) FROM dicom.quarantine"), 0);
    CHECK_INT(dfx_stop(f, SIGTERM), 0);
    CHECK_INT(dfx_files(f, "incoming"), 0);
    CHECK_INT(dfx_files(f, "quarantine"), 0);
    pdu_out_free(&o);
    free(data);
}

TEST(upper_layer, answers_nonsense_with_an_abort_and_goes_on)
{
    static const uint8_t TOO_LONG[] = {4, 0, 0xff, 0xff, 0xff, 0xf0}, UNKNOWN[] = {9, 0, 0, 0, 0, 1, 0};
    static const uint8_t EMPTY[] = {4, 0, 0, 0, 0, 0},
                         NO_CONTEXT[] = {4, 0, 0, 0, 0, 7, 0, 0, 0, 3, 99, 2, 1};
    static const uint8_t RELEASE[] = {5, 0, 0, 0, 0, 4, 0, 0, 0, 0};
    struct dfx *f = dfx_open(t);
    uint32_t len;
    struct scu s;

    dfx_start(f);
    s = call(f);
    scu_send(&s, TOO_LONG, sizeof TOO_LONG);
    CHECK_INT(scu_read(&s, &len), PDU_ABORT);
    CHECK_INT(s.in[3], PDU_ABORT_BAD_PARAMETER);
    scu_close(&s);
    s = call(f);
    scu_send(&s, UNKNOWN, sizeof UNKNOWN);
    CHECK_INT(scu_read(&s, &len), PDU_ABORT);
    CHECK_INT(s.in[3], PDU_ABORT_UNRECOGNISED);
    scu_close(&s);
    s = call(f);
    scu_send(&s, NO_CONTEXT, sizeof NO_CONTEXT);
    CHECK_INT(scu_read(&s, &len), PDU_ABORT);
    scu_close(&s);
    scu_connect(&s, f);
    scu_send(&s, RELEASE, sizeof RELEASE);
    CHECK_INT(scu_read(&s, &len), PDU_ABORT);
    scu_close(&s);
    s = call(f); /* a PDU of length zero holds nothing and means nothing */
    scu_send(&s, EMPTY, sizeof EMPTY);
    scu_send(&s, RELEASE, sizeof RELEASE);
    CHECK_INT(scu_read(&s, &len), PDU_RELEASE_RP);
    scu_close(&s);
}

/* A claim of one of the house's readers lets the reader see another house's pictures, not the house's machines. */
TEST(query, a_machine_finds_what_its_own_house_sent_and_nothing_else)
{
    struct dfx *f = dfx_open(t);
    struct dfx_image im = {.sop = "1.2.3.16", .study = "1.2.777"};
    char out[20000];
    struct scu s;

    pg_sql(
        "INSERT INTO records.studies (region_id, id, tenant_id, study_uid, patient_name, first_at, last_at)"
        " VALUES (150000, 99001, 32, '1.2.888', 'Li^XiaoHong', now(), now());"
        "INSERT INTO records.access (region_id, subject_id, tenant_id, purpose, id, granted_at, until)"
        " VALUES (150000, 99001, 21, 'reading', 99002, now(), now() + interval '1 day') ON CONFLICT DO "
        "NOTHING;");
    dfx_start(f);
    s = call(f);
    CHECK_INT(store(&s, &im), DIMSE_SUCCESS);
    scu_close(&s);
    dfx_soon("SELECT count(*) FROM dicom.instances" IN_TENANT, 1);
    CHECK_INT(
        dfx_run(
            f, out, sizeof out,
            "findscu -S -aec YUNZHEN -aet CT1 -k QueryRetrieveLevel=STUDY -k StudyInstanceUID -k PatientName"
            " 127.0.0.1 %u",
            (unsigned)f->port),
        0);
    CHECK(strstr(out, "1.2.777") != NULL);
    CHECK(strstr(out, "1.2.888") == NULL);
    CHECK(strstr(out, "XiaoHong") == NULL);
}
