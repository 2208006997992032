# shellcheck shell=bash
# tls.sh - the self-signed certificate of ops/up --tls, made once, and again when this machine's addresses changed.

# Everything a phone could type to reach this machine.
certificate_names() {
    local address
    printf 'DNS:localhost,DNS:%s,IP:127.0.0.1' "$(hostname)"
    for address in $(lan_addresses); do
        printf ',IP:%s' "$address"
    done
    printf '\n'
}

make_certificate() {
    [ -n "$tls" ] || return 0
    local names said dir=$data/keys
    names=$(certificate_names)
    [ "$(as_run cat "$dir/tls.names" 2>/dev/null)" != "$names" ] || return 0
    step "making a self-signed certificate for $names (browsers will ask once whether to trust it)"
    said=$(as_run openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 -sha256 \
        -subj '/CN=Yunzhen demo' -addext "subjectAltName=$names" -addext 'basicConstraints=critical,CA:FALSE' \
        -addext 'extendedKeyUsage=serverAuth' -keyout "$dir/tls.key" -out "$dir/tls.crt" 2>&1) ||
        die "openssl could not make it: $said"
    as_run chmod 600 "$dir/tls.key"
    printf '%s\n' "$names" | write_as_run "$dir/tls.names"
}
