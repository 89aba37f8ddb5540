// swift-tools-version: 6.2
import PackageDescription

// Compute modules are optimised in every configuration, so that a plain `swift test` runs real pictures and models at
// full speed. Only kernels drop the overflow and bounds checks: parsers keep theirs.
let wholeModule = ["-wmo", "-disable-batch-mode", "-num-threads", "2"]
let optimised: [SwiftSetting] = [.unsafeFlags(["-O"] + wholeModule)]

func kernels(_ instructionSet: [String] = []) -> [SwiftSetting] {
    [
        .unsafeFlags(["-Ounchecked"] + wholeModule + instructionSet.flatMap { ["-Xcc", $0] }),
        .enableExperimentalFeature("BuiltinModule"),
    ]
}

#if arch(x86_64)
let avx2 = ["-mavx2", "-mfma", "-mf16c"]
let avx512 = avx2 + ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512"]
let avx512VNNI = avx512 + ["-mavx512vnni"]
#else
let avx2: [String] = []
let avx512: [String] = []
let avx512VNNI: [String] = []
#endif

// An app needs the embedded model as a resource. A command finds the file by itself: the accessor that a resource brings
// loads all of Foundation on Linux, which costs more time than embedding a picture.
#if os(macOS)
let modelResources: [Resource] = [.copy("clip-small.clip")]
let modelExclusions = ["README.md", "examples"]
#else
let modelResources: [Resource] = []
let modelExclusions = ["README.md", "examples", "clip-small.clip"]
#endif

let package = Package(
    name: "clip",
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [
        .library(name: "CLIP", targets: ["CLIP"]),
        .library(name: "PictureCollections", targets: ["PictureCollections"]),
        .library(name: "CLIPHub", targets: ["CLIPHub"]),
        .executable(name: "clip", targets: ["CLIPCommand"]),
        .executable(name: "clip-pull", targets: ["PullCommand"]),
    ],
    dependencies: [],
    targets: [
        .target(name: "Kernels", swiftSettings: kernels()),
        .target(name: "KernelsBaseline", dependencies: ["Kernels"], swiftSettings: kernels()),
        .target(name: "KernelsAVX2", dependencies: ["Kernels"], swiftSettings: kernels(avx2)),
        .target(name: "KernelsAVX512", dependencies: ["Kernels"], swiftSettings: kernels(avx512)),
        .target(
            name: "KernelsAVX512VNNI", dependencies: ["Kernels", "KernelsAVX512"], swiftSettings: kernels(avx512VNNI)),
        .target(name: "CLIPThreads", dependencies: ["Kernels"], swiftSettings: optimised),
        .target(
            name: "TensorCore",
            dependencies: [
                "CLIPThreads", "Kernels", "KernelsBaseline", "KernelsAVX2", "KernelsAVX512", "KernelsAVX512VNNI",
            ],
            swiftSettings: optimised),
        .target(name: "JSON", swiftSettings: optimised),
        .target(name: "CLIPSystem", swiftSettings: optimised),
        .target(
            name: "Images",
            dependencies: ["CLIPSystem", "CLIPThreads", "Kernels", "KernelsBaseline", "KernelsAVX2"],
            swiftSettings: optimised),
        .target(name: "Tokenizers", dependencies: ["JSON"], swiftSettings: optimised),
        .target(name: "Weights", dependencies: ["JSON"], swiftSettings: optimised),
        .target(
            name: "DemoModel", dependencies: ["Weights"], path: "Models", exclude: modelExclusions,
            resources: modelResources,
            swiftSettings: optimised),
        .target(
            name: "CLIP",
            dependencies: [
                "CLIPSystem", "CLIPThreads", "JSON", "TensorCore", "Images", "Tokenizers", "Weights", "DemoModel",
            ],
            swiftSettings: optimised),
        .target(
            name: "PictureCollections",
            dependencies: ["CLIP", "CLIPSystem", "CLIPThreads", "Images", "JSON", "TensorCore", "Weights"],
            exclude: ["FORMAT.md"], swiftSettings: optimised),
        // Apart from CLIP, and its program apart from the command: networking loads all of Foundation, whose start takes
        // longer than embedding a picture.
        .target(name: "CLIPHub", dependencies: ["JSON", "Weights"], swiftSettings: optimised),
        .executableTarget(name: "PullCommand", dependencies: ["CLIPHub", "Weights"], swiftSettings: optimised),
        .executableTarget(
            name: "CLIPCommand",
            dependencies: ["CLIP", "CLIPSystem", "JSON", "PictureCollections", "TensorCore", "Weights"],
            swiftSettings: optimised),
        .testTarget(name: "JSONTests", dependencies: ["JSON"]),
        .testTarget(name: "CLIPSystemTests", dependencies: ["CLIPSystem"]),
        .testTarget(name: "CLIPThreadsTests", dependencies: ["CLIPThreads", "Kernels"]),
        .testTarget(name: "TensorCoreTests", dependencies: ["CLIPThreads", "Kernels", "TensorCore"]),
        .testTarget(
            name: "ImagesTests", dependencies: ["CLIPSystem", "Images", "Kernels"], resources: [.copy("Fixtures")]),
        .testTarget(name: "TokenizersTests", dependencies: ["Tokenizers"], resources: [.copy("Fixtures")]),
        .testTarget(name: "WeightsTests", dependencies: ["Weights"], resources: [.copy("Fixtures")]),
        .testTarget(
            name: "CLIPTests", dependencies: ["CLIP", "CLIPSystem", "JSON", "TensorCore", "Weights"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "PictureCollectionsTests",
            dependencies: ["CLIP", "CLIPSystem", "PictureCollections", "TensorCore", "Weights"]),
        .testTarget(
            name: "CLIPHubTests", dependencies: ["CLIPHub", "PullCommand", "CLIPCommand", "JSON", "Weights"]),
        .testTarget(name: "CommandTests", dependencies: ["CLIPCommand"]),
    ],
    swiftLanguageModes: [.v6]
)
