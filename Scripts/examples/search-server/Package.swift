// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "search-server",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "clip", path: "../../.."),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
    ],
    targets: [
        .executableTarget(
            name: "search-server",
            dependencies: [
                .product(name: "CLIP", package: "clip"),
                .product(name: "PictureCollections", package: "clip"),
                .product(name: "Hummingbird", package: "hummingbird"),
            ],
            path: "Sources/SearchServer",
            // The page is a part of the program: there is nothing to install beside it.
            resources: [.embedInCode("Page/page.html"), .embedInCode("Page/page.css"), .embedInCode("Page/page.js")]),
        .executableTarget(
            name: "grow-index",
            dependencies: [
                .product(name: "CLIP", package: "clip"), .product(name: "PictureCollections", package: "clip"),
            ],
            path: "Sources/GrowIndex"),
        .testTarget(name: "SearchServerTests", dependencies: ["search-server"]),
    ],
    swiftLanguageModes: [.v6]
)
