# shellcheck shell=bash
# ops_test.sh - ops/up … ops/down as an operator uses them. Run by ops/test with a data folder and ports of its own.
top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
failures=0

ok() {
    local what=$1
    shift
    if "$@"; then
        printf 'ok %s\n' "$what"
    else
        printf 'not ok %s\n' "$what"
        failures=$((failures + 1))
    fi
}
contains() { [[ $1 == *"$2"* ]]; }
page() { curl -s -o /dev/null -w "$2" "http://127.0.0.1:$YUNZHEN_HTTP_PORT$1"; }
ends_with() { [ "$1" = "$2" ] || { printf '  got %s, expected %s\n' "$1" "$2"; false; }; }
fails_with() {
    local want=$1 got=0
    shift
    "$@" >/dev/null 2>&1 || got=$?
    ends_with "$got" "$want"
}
bearer() { curl -s -H "Authorization: Bearer $("$top/ops/yunzhen" token --user "$1")" "http://127.0.0.1:$YUNZHEN_HTTP_PORT$2"; }
new_account_logs_in() {
    local password
    password=$("$top/ops/yunzhen" user add trial_doctor --name Trial --tenant 31 --role doctor --title Trial --json | field j.password)
    curl -s -H 'Content-Type: application/json' -H "Origin: http://127.0.0.1:$YUNZHEN_HTTP_PORT" \
        -d "{\"login\":\"trial_doctor\",\"password\":\"$password\"}" "http://127.0.0.1:$YUNZHEN_HTTP_PORT/api/v1/session"
}
comes_back() {
    local until_s=$((SECONDS + 20))
    while [ "$(restarts_of "$1")" = 0 ]; do
        [ "$SECONDS" -lt "$until_s" ] || return 1
        sleep 0.05
    done
    "$top/ops/yunzhen" status --wait=20
}
now_ms() { date +%s%3N; }
field() { node -e 'const j = JSON.parse(require("fs").readFileSync(0)); console.log('"$1"')'; }

trap '"$top/ops/down" >/dev/null 2>&1' EXIT

ok 'status of nothing exits with 3' fails_with 3 "$top/ops/status"
ok 'up -d starts everything' "$top/ops/up" -d --no-build
out=$("$top/ops/status" --json)
ok 'status --json says ready' ends_with "$(field j.ready <<<"$out")" true
ok 'every process is ready or done' ends_with "$(field 'j.processes.every(p => ["ready","done"].includes(p.state))' <<<"$out")" true
ok 'a second up says that it runs' contains "$("$top/ops/up" -d --no-build)" 'already running'
ok 'demo accounts have passwords' ends_with "$("$top/ops/yunzhen" user demo-passwords --json | field 'j.length > 10 && j.every(a => a.password.length > 10)')" true
ok 'only their owner can read them' ends_with "$(stat -c %a "$YUNZHEN_DATA/demo-accounts")" 600
ok 'the database listens on no network' ends_with "$(grep -c "^listen_addresses = ''" "$YUNZHEN_DATA/pg.conf")" 1
ok 'config explains every setting' ends_with "$("$top/ops/yunzhen" config --json | field 'j.length > 20 && j.every(s => s.why && s.program)')" true
ok 'tenants are listed' ends_with "$("$top/ops/yunzhen" tenant list --json | field 'j.length >= 9')" true
ok 'doctors are listed' ends_with "$("$top/ops/yunzhen" user list --role doctor --json | field 'j.map(u => u.login).slice(0, 2).join()')" doctor1,doctor2
ok 'a bearer token speaks for its user' contains "$(bearer doctor1 /api/v1/session)" '"login":"doctor1"'
ok 'a token for a room says so' contains "$("$top/ops/yunzhen" token --user doctor1 --room trial --publish --json)" '"expires_at"'
ok 'a token for nobody exits with 4' fails_with 4 "$top/ops/yunzhen" token --user nobody-here
ok 'a new account can log in' contains "$(new_account_logs_in)" '"login":"trial_doctor"'
ok 'the audit trail is proved' contains "$("$top/ops/yunzhen" verify audit --json)" '"ok": true'
ok 'an unknown command exits with 2' fails_with 2 "$top/ops/yunzhen" dance
ok 'an unknown user exits with 4' fails_with 4 "$top/ops/yunzhen" user set-password nobody-here
ok 'a new password is printed once' contains "$("$top/ops/yunzhen" user set-password patient1)" 'password'

ok 'readyz answers 200' ends_with "$(page /readyz '%{http_code}')" 200
ok 'the API answers through nginx' ends_with "$(page /api/v1/session '%{http_code}')" 401
ok 'metrics of a daemon are reachable on loopback' ends_with "$(page /metrics/schedulerd '%{http_code}')" 200
ok 'recordings cannot be fetched by name' ends_with "$(page /internal/recordings/ '%{http_code}')" 404
ok 'a body over the limit gets 413 in the shape of the API' \
    contains "$(head -c 1200000 /dev/zero | curl -s --data-binary @- "http://127.0.0.1:$YUNZHEN_HTTP_PORT/api/v1/session")" '"code":"body_too_large"'
if [ -e "$top/web/dist/index.html" ]; then
    ok 'the page is never cached' contains "$(curl -sI "http://127.0.0.1:$YUNZHEN_HTTP_PORT/")" 'Cache-Control: no-cache'
    ok 'a page of the front end is served for its own routes' ends_with "$(page /visits/1 '%{http_code} %{content_type}')" '200 text/html; charset=utf-8'
    ok 'a security policy stands on it' contains "$(curl -sI "http://127.0.0.1:$YUNZHEN_HTTP_PORT/")" "script-src 'self'"
else
    printf '# skip the page: web/dist is not built\n'
fi

pid_of() { "$top/ops/status" --json | field 'j.processes.find(p => p.name === "'"$1"'").pid'; }
restarts_of() { "$top/ops/status" --json | field 'j.processes.find(p => p.name === "'"$1"'").restarts'; }
for name in schedulerd signald recorderd dicomd mediad-0 nginx postgres; do
    kill -9 "$(pid_of "$name")"
    ok "$name, killed, comes back by itself" comes_back "$name"
done

began=$(now_ms)
ok 'down stops everything' "$top/ops/down"
printf '# down took %d ms\n' $(($(now_ms) - began))
ok 'nothing listens any more' ends_with "$(page /readyz '%{http_code}')" 000
printf 'htp.port = 1\n' >"$YUNZHEN_DATA/config"
ok 'a misspelt setting is refused, by name' contains "$("$top/ops/up" -d --no-build 2>&1)" 'no program has a setting htp.port'
printf '# nothing\nlog.level = debug\n' >"$YUNZHEN_DATA/config"
began=$(now_ms)
ok 'up again' "$top/ops/up" -d --no-build
printf '# the second up took %d ms\n' $(($(now_ms) - began))
ok 'passwords are the same as before' ends_with "$("$top/ops/yunzhen" user demo-passwords --json | field 'j.length > 10')" true

ok 'a setting in the data folder reaches the daemons' contains "$("$top/ops/yunzhen" config log.level)" 'log.level = debug'

supervisor=$("$top/ops/status" --json | field j.pid)
web=$(pid_of nginx)
kill -9 "$supervisor" "$web"
ok 'after a killed supervisor up works again' "$top/ops/up" -d --no-build
ok 'down after that' "$top/ops/down"
exit $((failures > 0))
