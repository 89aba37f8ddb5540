#!/bin/sh
# Installs clip from the folder that this script stands in, or removes what it installed.
#
#   ./install.sh [PREFIX]              by default /usr/local for root, else ~/.local
#   ./install.sh --uninstall [PREFIX]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
uninstall=
if [ "${1:-}" = --uninstall ]; then
    uninstall=1
    shift
fi
case ${1:-} in
    -*) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
esac
if [ "$(id -u)" = 0 ]; then prefix=${1:-/usr/local}; else prefix=${1:-$HOME/.local}; fi
list=$prefix/share/clip/installed-files

if [ -n "$uninstall" ]; then
    [ -r "$list" ] || { echo "install.sh: $list is not there: nothing was installed by this script at $prefix" >&2; exit 1; }
    while IFS= read -r file; do
        rm -f "$prefix/$file"
    done <"$list"
    # Folders that are ours, then the ones that others use too, where nothing is left in them.
    sed 's|/[^/]*$||' "$list" | sort -ru >"$list.folders"
    folders=$(cat "$list.folders")
    rm -f "$list" "$list.folders"
    echo "$folders" | while IFS= read -r folder; do
        while [ "$folder" != . ] && rmdir "$prefix/$folder" 2>/dev/null; do folder=$(dirname "$folder"); done
    done
    echo "clip is gone from $prefix"
    exit 0
fi

cd "$here"
[ -x bin/clip ] || { echo "install.sh: bin/clip is not beside this script: unpack the whole archive" >&2; exit 1; }
find bin libexec share -type f | sort | while IFS= read -r file; do
    mkdir -p "$prefix/$(dirname "$file")"
    # By another name first: a program that runs is never half-written.
    cp "$file" "$prefix/$file.new.$$"
    mv -f "$prefix/$file.new.$$" "$prefix/$file"
    echo "$file"
done >"${TMPDIR:-/tmp}/clip-installed.$$"
mv "${TMPDIR:-/tmp}/clip-installed.$$" "$list"
echo "clip is at $prefix/bin/clip"
case :$PATH: in
    *:"$prefix/bin":*) ;;
    *) echo "$prefix/bin is not on your PATH yet" ;;
esac
