// swift-tools-version: 6.2
import PackageDescription

// Compute modules are optimised in every configuration, so that a plain `swift test` runs real pictures and models at
// full speed. Only kernels drop the overflow and bounds checks: parsers keep theirs.
let wholeModule = ["-wmo", "-disable-batch-mode", "-num-threads", "2"]
let optimised: [SwiftSetting] = [.unsafeFlags(["-O"] + wholeModule)]

/// Kernels that may take the instructions which `x86` adds to x86-64, or the features that `arm` adds to arm64. Where they are
/// compiled for another processor the options are left aside: nothing here asks which machine builds, or for which.
func kernels(x86: [String] = [], arm: [String] = []) -> [SwiftSetting] {
    var options = x86.isEmpty ? [] : on(["x86_64"], x86 + ["-mprefer-vector-width=512"])
    if !arm.isEmpty { options += on(["arm64", "aarch64"], ["-mcpu=generic+" + arm.joined(separator: "+")]) }
    #if compiler(>=6.3)
    // Ordered for processors that order instructions themselves: so the sums of a tile stay in registers.
    options += on(["arm64", "aarch64"], ["-mtune=neoverse-n1"])
    #endif
    return [
        .unsafeFlags(["-Ounchecked"] + wholeModule + (["-Qunused-arguments"] + options).flatMap { ["-Xcc", $0] }),
        .enableExperimentalFeature("BuiltinModule"),
    ]
}

/// The C compiler's `options`, for some architectures. Until that of Swift 6.3 it leaves aside what is another one's, but
/// can't be told whose an option is.
func on(_ architectures: [String], _ options: [String]) -> [String] {
    #if compiler(>=6.3)
    architectures.flatMap { architecture in options.flatMap { ["-Xarch_\(architecture)", $0] } }
    #else
    options
    #endif
}

let avx2 = ["-mavx2", "-mfma", "-mf16c"]
let avx512 = avx2 + ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"]
#if compiler(>=6.3)
// Tuned: else the compiler takes the sixteen-bit product apart again, into a product and a sum.
let avxVNNI = avx2 + ["-mavxvnni", "-mtune=znver4"]
let avx512VNNI = avx512 + ["-mavx512vnni", "-mtune=znver4"]
#else
let avxVNNI = avx2 + ["-mavxvnni"]
let avx512VNNI = avx512 + ["-mavx512vnni"]
#endif

// An app needs the embedded model as a resource. A command finds the file by itself: the accessor that a resource brings
// loads all of Foundation on Linux, which costs more time than embedding a picture.
#if os(macOS)
let modelResources: [Resource] = [.copy("clip-small.clip")]
let modelExclusions = ["README.md", "examples", "skews"]
#else
let modelResources: [Resource] = []
let modelExclusions = ["README.md", "examples", "skews", "clip-small.clip"]
#endif

let package = Package(
    name: "clip",
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [
        .library(name: "CLIP", targets: ["CLIP"]),
        .library(name: "PictureCollections", targets: ["PictureCollections"]),
        .library(name: "CLIPHub", targets: ["CLIPHub"]),
        .executable(name: "clip", targets: ["CLIPCommand"]),
        .executable(name: "clip-pull", targets: ["CLIPPullCommand"]),
    ],
    dependencies: [],
    targets: [
        .target(name: "CLIPKernels", path: "Sources/Compute/CLIPKernels", swiftSettings: kernels()),
        .target(
            name: "CLIPKernelsBaseline", dependencies: ["CLIPKernels"], path: "Sources/Compute/CLIPKernelsBaseline",
            swiftSettings: kernels()),
        .target(
            name: "CLIPKernelsAVX2", dependencies: ["CLIPKernels"], path: "Sources/Compute/CLIPKernelsAVX2",
            swiftSettings: kernels(x86: avx2)),
        .target(
            name: "CLIPKernelsAVXVNNI", dependencies: ["CLIPKernels", "CLIPKernelsAVX2"],
            path: "Sources/Compute/CLIPKernelsAVXVNNI", swiftSettings: kernels(x86: avxVNNI)),
        .target(
            name: "CLIPKernelsAVX512", dependencies: ["CLIPKernels", "CLIPKernelsAVX2"],
            path: "Sources/Compute/CLIPKernelsAVX512",
            swiftSettings: kernels(x86: avx512)),
        .target(
            name: "CLIPKernelsAVX512VNNI", dependencies: ["CLIPKernels", "CLIPKernelsAVX512"],
            path: "Sources/Compute/CLIPKernelsAVX512VNNI", swiftSettings: kernels(x86: avx512VNNI)),
        .target(
            name: "CLIPKernelsDotProduct", dependencies: ["CLIPKernels", "CLIPKernelsBaseline"],
            path: "Sources/Compute/CLIPKernelsDotProduct", swiftSettings: kernels(arm: ["dotprod"])),
        .target(
            name: "CLIPKernelsI8MM", dependencies: ["CLIPKernels", "CLIPKernelsBaseline"],
            path: "Sources/Compute/CLIPKernelsI8MM", swiftSettings: kernels(arm: ["dotprod", "i8mm"])),
        .target(name: "CLIPSystem", path: "Sources/System/CLIPSystem", swiftSettings: optimised),
        .target(
            name: "CLIPInstructionSets",
            dependencies: [
                "CLIPSystem", "CLIPKernels", "CLIPKernelsBaseline", "CLIPKernelsAVX2", "CLIPKernelsAVXVNNI",
                "CLIPKernelsAVX512", "CLIPKernelsAVX512VNNI", "CLIPKernelsDotProduct", "CLIPKernelsI8MM",
            ], path: "Sources/Compute/CLIPInstructionSets", swiftSettings: optimised),
        .target(
            name: "CLIPThreads", dependencies: ["CLIPSystem", "CLIPKernels"], path: "Sources/System/CLIPThreads",
            swiftSettings: optimised + [.enableExperimentalFeature("BuiltinModule")]),
        .target(
            name: "CLIPCompute",
            dependencies: ["CLIPSystem", "CLIPThreads", "CLIPKernels", "CLIPInstructionSets"],
            path: "Sources/Compute/CLIPCompute",
            swiftSettings: optimised),
        .target(
            name: "CLIPJSON", dependencies: ["CLIPSystem"], path: "Sources/Formats/CLIPJSON", swiftSettings: optimised),
        .target(
            name: "CLIPPictures",
            dependencies: ["CLIPSystem", "CLIPThreads", "CLIPKernels", "CLIPInstructionSets"],
            path: "Sources/Formats/CLIPPictures",
            swiftSettings: optimised),
        .target(
            name: "CLIPTokenizers", dependencies: ["CLIPSystem", "CLIPJSON"], path: "Sources/Formats/CLIPTokenizers",
            swiftSettings: optimised),
        .target(
            name: "CLIPWeights", dependencies: ["CLIPSystem", "CLIPJSON"], path: "Sources/Formats/CLIPWeights",
            swiftSettings: optimised),
        .target(
            name: "CLIPEmbeddedModel", dependencies: ["CLIPSystem"], path: "Models", exclude: modelExclusions,
            resources: modelResources,
            swiftSettings: optimised),
        .target(
            name: "CLIP",
            dependencies: [
                "CLIPSystem", "CLIPThreads", "CLIPJSON", "CLIPCompute", "CLIPPictures", "CLIPTokenizers", "CLIPWeights",
                "CLIPEmbeddedModel",
            ],
            exclude: ["Files/FORMAT.md"], swiftSettings: optimised),
        .target(
            name: "PictureCollections",
            dependencies: [
                "CLIP", "CLIPSystem", "CLIPThreads", "CLIPPictures", "CLIPJSON", "CLIPCompute", "CLIPWeights",
            ],
            exclude: ["FORMAT.md"], swiftSettings: optimised),
        .target(
            name: "PictureReports",
            dependencies: [
                "CLIP", "PictureCollections", "CLIPSystem", "CLIPThreads", "CLIPPictures", "CLIPCompute", "CLIPWeights",
            ],
            swiftSettings: optimised),
        // Its program is apart from the command: networking loads all of Foundation, whose start takes longer than embedding
        // a picture.
        .target(
            name: "CLIPHub", dependencies: ["CLIP", "CLIPSystem", "CLIPJSON", "CLIPWeights"], swiftSettings: optimised),
        .executableTarget(
            name: "CLIPPullCommand", dependencies: ["CLIPHub", "CLIPSystem", "CLIPThreads"],
            path: "Sources/Command/CLIPPullCommand",
            swiftSettings: optimised),
        .target(
            name: "CLIPBench",
            dependencies: ["CLIP", "PictureCollections", "CLIPSystem", "CLIPCompute"],
            path: "Sources/Command/CLIPBench", swiftSettings: optimised),
        .target(
            name: "CLIPOptions", dependencies: ["CLIP", "PictureCollections", "CLIPSystem"],
            path: "Sources/Command/CLIPOptions", swiftSettings: optimised),
        .target(
            name: "CLIPAssistant",
            dependencies: [
                "CLIP", "PictureCollections", "CLIPSystem", "CLIPThreads", "CLIPJSON",
            ],
            path: "Sources/Command/CLIPAssistant", swiftSettings: optimised),
        .executableTarget(
            name: "CLIPCommand",
            dependencies: [
                "CLIP", "PictureCollections", "PictureReports", "CLIPAssistant", "CLIPBench", "CLIPOptions",
                "CLIPSystem",
                "CLIPJSON",
            ],
            path: "Sources/Command/CLIPCommand",
            swiftSettings: optimised),
        // What tests of several targets are made of: a temporary folder, seeded numbers and damage, the fixtures' places.
        .target(name: "CLIPTestSupport", path: "Tests/CLIPTestSupport"),
        .testTarget(name: "CLIPJSONTests", dependencies: ["CLIPSystem", "CLIPJSON"]),
        .testTarget(name: "CLIPSystemTests", dependencies: ["CLIPTestSupport", "CLIPSystem"]),
        .testTarget(name: "CLIPThreadsTests", dependencies: ["CLIPThreads"]),
        .testTarget(
            name: "CLIPComputeTests",
            dependencies: [
                "CLIPTestSupport", "CLIPSystem", "CLIPThreads", "CLIPKernels", "CLIPInstructionSets", "CLIPCompute",
            ]),
        .testTarget(
            name: "CLIPPicturesTests",
            dependencies: ["CLIPTestSupport", "CLIPSystem", "CLIPPictures", "CLIPKernels", "CLIPInstructionSets"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "CLIPTokenizersTests", dependencies: ["CLIPTestSupport", "CLIPSystem", "CLIPTokenizers"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "CLIPWeightsTests", dependencies: ["CLIPTestSupport", "CLIPSystem", "CLIPWeights"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "CLIPTests",
            dependencies: ["CLIPTestSupport", "CLIP", "CLIPSystem", "CLIPJSON", "CLIPCompute", "CLIPWeights"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "PictureCollectionsTests",
            dependencies: [
                "CLIPTestSupport", "CLIP", "CLIPSystem", "PictureCollections", "PictureReports", "CLIPCompute",
                "CLIPWeights",
            ],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "CLIPHubTests",
            dependencies: [
                "CLIPTestSupport", "CLIPHub", "CLIPPullCommand", "CLIPCommand", "CLIPSystem", "CLIPJSON", "CLIPWeights",
            ]),
        .testTarget(
            name: "CLIPCommandTests",
            dependencies: [
                "CLIPTestSupport", "CLIPCommand", "CLIPAssistant", "CLIPOptions", "CLIP", "CLIPSystem",
                "PictureCollections",
                "PictureReports",
            ]),
    ],
    swiftLanguageModes: [.v6]
)
