#!/usr/bin/env bash
# tests/load/program.sh TARGET [arguments]: build one load program beside the product, as optimised as it, and run it.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
target=$1
shift
[ -e build/release/build.ninja ] || cmake --preset release >&2
cmake --build build/release --target "$target" >&2
exec "build/release/tests/bin/$target" "$@"
