// swift-tools-version: 6.2
import PackageDescription

// What a program outside this package can do with the library: bench_search.py measures through it.
let package = Package(
    name: "search-probe",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "clip", path: "../../..")],
    targets: [
        .executableTarget(
            name: "SearchProbe",
            dependencies: [
                .product(name: "CLIP", package: "clip"), .product(name: "PictureCollections", package: "clip"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
