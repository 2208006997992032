/* htj2k_face.cpp - the thin C face of OpenJPH. Everything it throws, objects and string literals alike, ends here. */
#include "dicom/decode/htj2k_face.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>
#include <openjph/ojph_arch.h>
#include <openjph/ojph_codestream.h>
#include <openjph/ojph_file.h>
#include <openjph/ojph_mem.h>
#include <openjph/ojph_message.h>
#include <openjph/ojph_params.h>

namespace
{

/* The library writes what it has to say to streams, and throws "ojph error": ours is a piece of memory, and its last line is
 * the reason. (Handlers can be configured, but 0.9 does not always ask them.) */
char said[1024];

void listen()
{
    static FILE *to = nullptr;

    if (!to) {
        to = fmemopen(said, sizeof said - 1, "w");
        if (!to)
            throw std::runtime_error("no memory");
        setvbuf(to, nullptr, _IONBF, 0);
        ojph::set_info_stream(to);
        ojph::set_warning_stream(to);
        ojph::set_error_stream(to);
    }
    std::rewind(to);
    std::memset(said, 0, sizeof said);
}

/* The stream in memory, noticing when more is asked for than there is: the library fills up with zeros and goes on, and
 * half a stream would become a picture. */
class input final : public ojph::infile_base
{
  public:
    void open(const uint8_t *bytes, size_t len)
    {
        begin = bytes;
        size = len;
        at = 0;
    }
    size_t read(void *to, size_t n) override
    {
        if (n > size - at) {
            cut = true;
            n = size - at;
        }
        std::memcpy(to, begin + at, n);
        at += n;
        return n;
    }
    int seek(ojph::si64 offset, enum ojph::infile_base::seek origin) override
    {
        ojph::si64 from = origin == OJPH_SEEK_SET   ? 0
                          : origin == OJPH_SEEK_CUR ? static_cast<ojph::si64>(at)
                                                    : static_cast<ojph::si64>(size);
        ojph::si64 to = 0;
        if (__builtin_add_overflow(from, offset, &to) || to < 0 || to > static_cast<ojph::si64>(size)) {
            cut = true;
            return -1;
        }
        at = static_cast<size_t>(to);
        return 0;
    }
    ojph::si64 tell() override { return static_cast<ojph::si64>(at); }
    bool eof() override { return at >= size; }
    void close() override {}
    bool cut = false;

  private:
    const uint8_t *begin = nullptr;
    size_t size = 0, at = 0;
};

void say(char *text, size_t cap, const char *why)
{
    size_t n = std::strlen(said);

    while (n > 0 && said[n - 1] == '\n')
        said[--n] = '\0';
    const char *line = std::strrchr(said, '\n');
    const char *last = std::strcmp(why, "ojph error") == 0 && n > 0 ? (line ? line + 1 : said) : why;
    std::snprintf(text, cap, "%s", last);
}

} // namespace

struct htj2k {
    input file;
    ojph::codestream stream;
    htj2k_picture picture;
};

extern "C" struct htj2k *htj2k_open(const uint8_t *stream, size_t len, struct htj2k_picture *out, char *text,
                                    size_t cap)
{
    htj2k *h = nullptr;

    try {
        listen();
        h = new htj2k;
        h->file.open(stream, len);
        h->stream.read_headers(&h->file);
        ojph::param_siz siz = h->stream.access_siz();
        ojph::point extent = siz.get_image_extent(), offset = siz.get_image_offset();
        if (extent.x <= offset.x || extent.y <= offset.y)
            throw std::runtime_error("an empty picture");
        ojph::size tile = siz.get_tile_size();
        if (tile.w == 0 || tile.h == 0) /* the library divides by them */
            throw std::runtime_error("tiles without a size");
        htj2k_picture p = {extent.x - offset.x, extent.y - offset.y, siz.get_num_components(),
                           siz.get_bit_depth(0), siz.is_signed(0)};
        for (ojph::ui32 c = 0; c < p.components; c++) {
            ojph::point step = siz.get_downsampling(c);
            if (step.x != 1 || step.y != 1 || siz.get_bit_depth(c) != p.bits ||
                siz.is_signed(c) != (p.is_signed != 0))
                throw std::runtime_error("components that differ from each other");
        }
        h->picture = *out = p;
        return h;
    } catch (const std::exception &e) {
        say(text, cap, e.what());
    } catch (const char *what) {
        say(text, cap, what);
    } catch (...) {
        say(text, cap, "unknown");
    }
    delete h;
    return nullptr;
}

extern "C" int htj2k_decode(struct htj2k *h, htj2k_line_fn *fn, void *arg, char *text, size_t cap)
{
    try {
        /* Lines come component by component, or in turn: with a colour transform only the latter. */
        h->stream.set_planar(h->picture.components == 1);
        h->stream.create();
        std::vector<ojph::ui32> done(h->picture.components, 0);
        for (uint64_t i = 0; i < static_cast<uint64_t>(h->picture.components) * h->picture.rows; i++) {
            ojph::ui32 component = 0;
            ojph::line_buf *line = h->stream.pull(component);
            if (!line || component >= h->picture.components || line->size < h->picture.columns ||
                done[component] >= h->picture.rows)
                throw std::runtime_error("a line is missing");
            fn(arg, component, done[component]++, line->i32);
        }
        if (h->file.cut)
            throw std::runtime_error("the stream ends too early");
        h->stream.close();
        return 0;
    } catch (const std::exception &e) {
        say(text, cap, e.what());
    } catch (const char *what) {
        say(text, cap, what);
    } catch (...) {
        say(text, cap, "unknown");
    }
    return -1;
}

extern "C" void htj2k_close(struct htj2k *h)
{
    delete h;
}
