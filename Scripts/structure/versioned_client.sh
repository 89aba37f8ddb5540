#!/usr/bin/env bash
# Builds and runs an app that depends on this package by version, beside a package whose targets have the plain names that
# such packages like (Tokenizers, JSON, Images, Weights, …) and a module that declares `Image`, as SwiftUI does; and the
# program of the documentation's tutorial, which then runs away from where it was built, with the embedded model beside it. Fails if
# the graph doesn't resolve, a name is ambiguous, the build warns, or an answer is missing.
#
#   Scripts/structure/versioned_client.sh
#
# Takes what is committed. Needs git and the Swift toolchain.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
commit=(git -c user.name=client -c user.email=client@example.invalid -c init.defaultBranch=main)

git clone --quiet "$PWD" "$work/clip"
version=$(sed -n 's/.*text = "\(.*\)"/\1/p' Sources/System/CLIPSystem/Version.swift)
git -C "$work/clip" tag --force "$version" >/dev/null

mkdir -p "$work/neighbors"
targets=(Tokenizers JSON Images Weights Kernels TensorCore Widgets)
for target in "${targets[@]}"; do
    mkdir -p "$work/neighbors/Sources/$target"
    echo "public let nameOf$target = \"$target\"" >"$work/neighbors/Sources/$target/$target.swift"
done
echo 'public struct Image { public init(_ name: String) {} }' >>"$work/neighbors/Sources/Widgets/Widgets.swift"
{
    echo '// swift-tools-version: 6.2'
    echo 'import PackageDescription'
    echo 'let package = Package(name: "neighbors", products: ['
    for target in "${targets[@]}"; do echo "    .library(name: \"$target\", targets: [\"$target\"]),"; done
    echo '], targets: ['
    for target in "${targets[@]}"; do echo "    .target(name: \"$target\"),"; done
    echo '])'
} >"$work/neighbors/Package.swift"
(
    cd "$work/neighbors"
    "${commit[@]}" init --quiet
    "${commit[@]}" add .
    "${commit[@]}" commit --quiet --message neighbors
    git tag 1.0.0
)

mkdir -p "$work/app/Sources/App"
{
    cat <<'MANIFEST'
// swift-tools-version: 6.2
import PackageDescription
let package = Package(
    name: "app", platforms: [.macOS(.v15)],
MANIFEST
    echo "    dependencies: [.package(url: \"file://$work/clip\", from: \"$version\"),"
    echo "        .package(url: \"file://$work/neighbors\", from: \"1.0.0\")],"
    echo '    targets: [.executableTarget(name: "App", dependencies: ['
    for target in "${targets[@]}"; do echo "        .product(name: \"$target\", package: \"neighbors\"),"; done
    for product in CLIP PictureCollections CLIPHub; do echo "        .product(name: \"$product\", package: \"clip\"),"; done
    echo '    ]), .executableTarget(name: "Search", dependencies: ['
    for product in CLIP PictureCollections; do echo "        .product(name: \"$product\", package: \"clip\"),"; done
    echo '    ])])'
} >"$work/app/Package.swift"
mkdir -p "$work/app/Sources/Search"
cp Sources/PictureCollections/PictureCollections.docc/Resources/search-4.swift "$work/app/Sources/Search/main.swift"
cat >"$work/app/Sources/App/main.swift" <<'APP'
import CLIP
import CLIPHub
import Foundation
import Images
import JSON
import Kernels
import PictureCollections
import TensorCore
import Tokenizers
import Weights
import Widgets

let widget = Image(nameOfImages + nameOfJSON + nameOfKernels + nameOfTensorCore + nameOfTokenizers + nameOfWeights)
let model = try CLIPModel(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1]))
let picture = try Picture(contentsOf: URL(fileURLWithPath: CommandLine.arguments[2]))
print(try model.embed(picture).similarity(to: try model.embed("a photo of a cat")))
APP

swift build --package-path "$work/app" 2>&1 | tee "$work/log" | grep -E 'error|warning|Compiling|Build' | tail -n 5
if grep -E 'warning:' "$work/log"; then
    echo "versioned_client: the client's build warns" >&2
    exit 1
fi
"$work/app/.build/debug/App" Models/clip-small.clip Models/examples/cat.jpg

# As an app is installed: the package's folders are gone, the model lies beside the program.
mkdir "$work/installed" "$work/pictures"
cp "$work/app/.build/debug/Search" Models/clip-small.clip "$work/installed/"
cp Models/examples/*.png "$work/pictures/"
rm -rf "$work/app" "$work/clip"
"$work/installed/Search" "$work/pictures" a teapot | tail -n 5 | tee "$work/answer"
grep -q teapot.png "$work/answer" || { echo "versioned_client: the tutorial's program finds no teapot" >&2; exit 1; }
