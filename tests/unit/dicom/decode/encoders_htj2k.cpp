#include <cstdlib>
#include <cstring>
#include <openjph/ojph_arch.h>
#include <openjph/ojph_codestream.h>
#include <openjph/ojph_file.h>
#include <openjph/ojph_mem.h>
#include <openjph/ojph_params.h>
#include "tests/unit/dicom/decode/encoders.h"

extern "C" uint8_t *encode_htj2k(const struct source_picture *p, size_t *len)
{
    try {
        ojph::mem_outfile file;
        ojph::codestream stream;
        ojph::param_siz siz = stream.access_siz();
        siz.set_image_extent(ojph::point(p->columns, p->rows));
        siz.set_num_components(p->samples);
        for (ojph::ui32 c = 0; c < p->samples; c++)
            siz.set_component(c, ojph::point(1, 1), p->bits, p->is_signed != 0);
        ojph::param_cod cod = stream.access_cod();
        cod.set_num_decomposition(2);
        cod.set_progression_order("RPCL");
        cod.set_reversible(true);
        cod.set_color_transform(p->samples == 3);
        stream.set_planar(p->samples != 3);
        file.open();
        stream.write_headers(&file);
        ojph::ui32 next = 0;
        ojph::line_buf *line = stream.exchange(nullptr, next);
        ojph::ui32 at[3] = {0, 0, 0};
        for (ojph::ui32 i = 0; i < p->rows * p->samples; i++) {
            for (ojph::ui32 x = 0; x < p->columns; x++)
                line->i32[x] =
                    p->values[(static_cast<size_t>(at[next]) * p->columns + x) * p->samples + next];
            at[next]++;
            line = stream.exchange(line, next);
        }
        stream.flush();
        *len = static_cast<size_t>(file.tell());
        uint8_t *out = static_cast<uint8_t *>(std::malloc(*len));
        std::memcpy(out, file.get_data(), *len);
        stream.close();
        return out;
    } catch (...) {
        return nullptr;
    }
}
