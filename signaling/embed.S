/* openapi.json and socket.schema.json, byte for byte, in read-only data. Declared in api_docs.c. */
    .section .rodata
    .global embed_openapi
    .global embed_openapi_end
embed_openapi:
    .incbin "openapi.json"
embed_openapi_end:
    .byte 0
    .global embed_socket_schema
    .global embed_socket_schema_end
embed_socket_schema:
    .incbin "socket.schema.json"
embed_socket_schema_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
