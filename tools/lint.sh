#!/bin/sh
# tools/lint.sh BUILD: what a reviewer should not have to look for. Called by ./run lint; BUILD is
# a configured build folder. Goes on after a finding and fails at the end.
set -u
build=$1
status=0
finding() { echo "lint: FAILED: $1" >&2; status=1; }
list() { git ls-files -co --exclude-standard "$@"; }

echo "lint: format"
list '*.hpp' '*.cpp' | xargs -r clang-format-19 --dry-run -Werror || finding "format (./run format)"

echo "lint: includes"
python3 tests/structure/includes.py . || finding "includes"

echo "lint: shell"
shellcheck run .ci/run tools/*.sh || finding "shell"

echo "lint: each public header compiles alone"
cmake --build "$build" --target all_verify_interface_header_sets || finding "headers"

# Few checks, each for a mistake that coroutines or moved-from handles invite.
echo "lint: clang-tidy"
checks='-*,bugprone-use-after-move,bugprone-dangling-handle,bugprone-unused-return-value'
checks="$checks,cppcoreguidelines-avoid-capturing-lambda-coroutines"
checks="$checks,cppcoreguidelines-no-suspend-with-lock,performance-move-const-arg"
list 'scheduler/*.cpp' 'sync/*.cpp' 'io/*.cpp' 'api/*.cpp' 'examples/*.cpp' |
    xargs -r clang-tidy-19 -p "$build" --quiet --warnings-as-errors='*' --checks="$checks" ||
    finding "clang-tidy"
exit $status
