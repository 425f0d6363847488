#!/bin/sh
# Makes the tree of this bundle in a directory: sh extract.sh [-f] [DIRECTORY]
#
# Needs the standard tools, one that computes SHA-512 (sha512sum, shasum or openssl) and a C4 tool: python3 with the
# package c4py, or the command c4py or c4. Before anything is written, the manifest and all content are compared with
# their C4 IDs: "c4" and the SHA-512 digest in base 58, 88 digits.
set -eu
unset CDPATH

manifest=@MANIFEST@
manifest_id=@MANIFEST_ID@

fail() {
    printf 'extract.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

usage() {
    printf 'usage: sh extract.sh [-f] [DIRECTORY]\n\n'
    printf 'Makes the tree in DIRECTORY (here: .), which must be empty or not there; with -f, whatever else\n'
    printf 'is in it is removed. What was interrupted goes on with -f.\n'
}

# A substitution drops line ends at the end of a name: the x keeps them.
physical() {
    (cd -P -- "$1" && pwd -P && printf x)
}

# Sets target to the directory's physical path, once it is there, and refuses one that must not be changed.
take_target() {
    [ -d "$target" ] || fail 'DIRECTORY is there and is no directory'
    target=$(physical "$target")
    target=${target%?x}
    # Bash takes a quoted expansion that is empty and has a pattern in it for something else: hence the variables.
    above=${target%/}
    case $bundle/ in
    "$above"/*) fail 'DIRECTORY holds the bundle' ;;
    esac
    above=${bundle%/}
    case $target/ in
    "$above"/store/*) fail 'DIRECTORY lies in the store of the bundle' ;;
    esac
    [ -n "$replace" ] || [ -z "$(ls -A "$target")" ] ||
        fail 'DIRECTORY is not empty; with -f, what is not in the manifest is removed from it'
}

replace=
while [ $# -gt 0 ]; do
    case $1 in
    -f) replace=yes ;;
    -h | --help)
        usage
        exit 0
        ;;
    --)
        shift
        break
        ;;
    -*)
        usage >&2
        exit 2
        ;;
    *) break ;;
    esac
    shift
done
if [ $# -gt 1 ]; then
    usage >&2
    exit 2
fi

case $0 in
*/*) bundle=${0%/*}/ ;;
*) bundle=. ;;
esac
case $bundle in
-*) bundle=./$bundle ;;
esac
bundle=$(physical "$bundle")
bundle=${bundle%?x}

target=${1:-.}
case $target in
/*) ;;
*)
    here=$(physical .)
    target=${here%?x}/$target
    ;;
esac
if [ -e "$target" ] || [ -L "$target" ]; then
    take_target
fi

cd -P -- "$bundle"
if [ ! -f "./$manifest" ] || [ -L "./$manifest" ]; then
    fail 'the manifest is missing'
fi
if [ ! -f store.ids ] || [ -L store.ids ]; then
    fail 'store.ids is missing'
fi
if [ ! -d store ] || [ -L store ]; then
    fail 'the directory store is missing'
fi

# The tool that makes the tree.
# shellcheck disable=SC2016  # nothing in it is for the shell
program='
import sys

# What lies in the bundle is no module.
sys.path = [place for place in sys.path if place]
from c4py import FSStore, PathTraversal, load, reconcile, resolve_chain

if len(sys.argv) > 1:
    _, path, store, directory = sys.argv
    store = FSStore(store)
    try:
        manifest = load(path)
        if manifest.base is not None:
            manifest = resolve_chain(manifest, store=store)
        errors = reconcile(manifest, directory, store=store).errors
    except Exception as error:
        errors = [str(error)]
    sys.exit("\n".join(f"extract.sh: {error}" for error in errors) or None)
'
if command -v python3 >/dev/null 2>&1 && python3 -c "$program" >/dev/null 2>&1; then
    tool=python3
elif command -v c4py >/dev/null 2>&1 && c4py patch --help >/dev/null 2>&1; then
    tool=c4py
elif command -v c4 >/dev/null 2>&1; then
    tool=c4
else
    fail 'a C4 tool is needed: python3 with the package c4py, or the command c4py or c4'
fi

if command -v sha512sum >/dev/null 2>&1; then
    set -- sha512sum
elif command -v shasum >/dev/null 2>&1; then
    set -- shasum -a 512
elif command -v openssl >/dev/null 2>&1; then
    set -- openssl dgst -sha512 -r
else
    fail 'sha512sum, shasum or openssl is needed'
fi

# Readers of a store would follow a link, and wait for a pipe.
if [ -n "$(LC_ALL=C find store ! -type d ! -type f -print | head -n 1)" ]; then
    fail 'something in the store is neither a file nor a directory: nothing was extracted'
fi

# An object has 90 characters; other files of a store are none.
object=c4$(printf '%088d' 0 | tr 0 '?')

# shellcheck disable=SC2016  # nothing in it is for the shell
check='
function c4id(hex,    limb, i, j, carry, text) {
    # 18 limbs of five digits of base 58 hold 90, and a product stays far below 2^53.
    for (j = 0; j < 18; j++) limb[j] = 0
    for (i = 1; i <= 128; i += 4) {
        carry = 0
        for (j = 0; j < 4; j++) carry = carry * 16 + index("0123456789abcdef", substr(hex, i + j, 1)) - 1
        for (j = 0; j < 18; j++) {
            carry += limb[j] * 65536
            limb[j] = carry % 656356768
            carry = (carry - limb[j]) / 656356768
        }
    }
    text = ""
    for (j = 0; j < 18; j++)
        for (i = 0; i < 5; i++) {
            text = substr("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", limb[j] % 58 + 1, 1) text
            limb[j] = int(limb[j] / 58)
        }
    return "c4" substr(text, 3)
}

function wrong(what, name) {
    gsub(/[^0-9A-Za-z]/, "?", name)
    if (++problems <= 10) print "extract.sh: " what name
}

BEGIN {
    problems = 0
    if ((getline line <"store.ids") <= 0 || line != manifest) wrong("store.ids is damaged", "")
    while ((getline line <"store.ids") > 0) needed[line] = 1
}

# sha512sum begins a line with a backslash where the name of the file is not as it is.
{
    sub(/^\\/, "")
    id = c4id(substr($0, 1, 128))
    if (NR == 1) {
        if (id != manifest) wrong("the manifest is not the one that was bundled", "")
        next
    }
    name = substr($0, length($0) - 89)
    if (id != name) wrong("corrupt content: ", name)
    delete needed[id]
}

END {
    for (id in needed) wrong("missing content: ", id)
    if (problems > 10) print "extract.sh: and " problems - 10 " more"
    exit problems > 0
}
'
{
    "$@" <"./$manifest"
    LC_ALL=C find store -type f -name "$object" -exec "$@" {} +
} | LC_ALL=C awk -v "manifest=$manifest_id" "$check" >&2 || fail 'nothing was extracted' 4

mkdir -p "$target"
take_target
case $tool in
python3) exec python3 -c "$program" "./$manifest" store "$target" ;;
*)
    C4_STORE=store
    export C4_STORE
    exec "$tool" patch "./$manifest" "$target"
    ;;
esac
