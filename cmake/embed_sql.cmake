# embed_sql(TARGET a.sql b.sql): turns the named statements of a .sql file into C.
#
# A statement begins with a line `-- name: NAME (anything)` and ends at the next one; what stands before the
# first name is for the reader. For scheduling/order_store.sql, TARGET gets order_store.sql.c, and whoever needs
# them writes   #include "scheduling/order_store.sql.h"   and uses   &SQL_order_claim_batch.
# The count of parameters is the highest $n outside of comments.
include_guard(GLOBAL)
set(EMBED_SQL_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/embed_sql_script.cmake)

function(embed_sql target)
    foreach(sql IN LISTS ARGN)
        set(in ${CMAKE_CURRENT_SOURCE_DIR}/${sql})
        set(out ${CMAKE_CURRENT_BINARY_DIR}/${sql})
        file(RELATIVE_PATH include ${PROJECT_BINARY_DIR} ${out}.h)
        add_custom_command(
            OUTPUT ${out}.c ${out}.h
            COMMAND ${CMAKE_COMMAND} -DIN=${in} -DOUT=${out} -DINCLUDE=${include} -P ${EMBED_SQL_SCRIPT}
            DEPENDS ${in} ${EMBED_SQL_SCRIPT}
            COMMENT "Embedding ${sql}"
            VERBATIM)
        target_sources(${target} PRIVATE ${out}.c ${out}.h)
    endforeach()
    target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
