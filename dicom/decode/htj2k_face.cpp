/* htj2k_face.cpp - the thin C face of OpenJPH. Everything it throws, objects and string literals alike, ends here. */
#include "dicom/decode/htj2k_face.h"
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <openjph/ojph_arch.h>
#include <openjph/ojph_codestream.h>
#include <openjph/ojph_file.h>
#include <openjph/ojph_mem.h>
#include <openjph/ojph_message.h>
#include <openjph/ojph_params.h>

namespace
{

/* The library's own handlers print; ours keep the reason for the answer. */
class thrown final : public ojph::message_error
{
  public:
    void operator()(int code, const char *, int, const char *fmt, ...) override
    {
        char text[160], with_code[200];
        va_list ap;
        va_start(ap, fmt);
        std::vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        std::snprintf(with_code, sizeof with_code, "%s (0x%x)", text, static_cast<unsigned>(code));
        throw std::runtime_error(with_code);
    }
};

class unheard final : public ojph::message_warning
{
  public:
    void operator()(int, const char *, int, const char *, ...) override {}
};

class unheard_info final : public ojph::message_info
{
  public:
    void operator()(int, const char *, int, const char *, ...) override {}
};

void quiet()
{
    static thrown errors;
    static unheard warnings;
    static unheard_info infos;

    ojph::configure_error(&errors);
    ojph::configure_warning(&warnings);
    ojph::configure_info(&infos);
}

void say(char *text, size_t cap, const char *why)
{
    std::snprintf(text, cap, "%s", why);
}

} // namespace

struct htj2k {
    ojph::mem_infile file;
    ojph::codestream stream;
    htj2k_picture picture;
};

extern "C" struct htj2k *htj2k_open(const uint8_t *stream, size_t len, struct htj2k_picture *out, char *text,
                                    size_t cap)
{
    htj2k *h = nullptr;

    try {
        quiet();
        h = new htj2k;
        h->file.open(stream, len);
        h->stream.read_headers(&h->file);
        ojph::param_siz siz = h->stream.access_siz();
        ojph::point extent = siz.get_image_extent(), offset = siz.get_image_offset();
        if (extent.x <= offset.x || extent.y <= offset.y)
            throw std::runtime_error("an empty picture");
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
        h->stream.set_planar(true);
        h->stream.create();
        for (ojph::ui32 c = 0; c < h->picture.components; c++)
            for (ojph::ui32 y = 0; y < h->picture.rows; y++) {
                ojph::ui32 component = 0;
                ojph::line_buf *line = h->stream.pull(component);
                if (!line || component != c || line->size < h->picture.columns)
                    throw std::runtime_error("a line is missing");
                fn(arg, c, y, line->i32);
            }
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
