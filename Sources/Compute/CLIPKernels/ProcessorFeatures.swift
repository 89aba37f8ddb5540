#if canImport(Darwin)
import Darwin
#endif

/// The features of the processor that its operating system lets programs use.
package enum ProcessorFeatures {
    package static let current: Set<String> = {
        #if !arch(x86_64)
        []
        #elseif canImport(Darwin)
        Set(darwinNames.filter { isEnabled($0.key) }.map(\.value))
        #else
        parse(cpuInfo: SmallFile.contents(of: "/proc/cpuinfo", limit: 16384) ?? "")
        #endif
    }()

    /// The flags of the first processor in the text of /proc/cpuinfo.
    package static func parse(cpuInfo text: String) -> Set<String> {
        for line in text.split(separator: "\n") where line.hasPrefix("flags") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            return Set(line[line.index(after: colon)...].split(separator: " ").map(String.init))
        }
        return []
    }

    #if canImport(Darwin)
    private static let darwinNames = [
        "hw.optional.avx2_0": "avx2", "hw.optional.fma": "fma", "hw.optional.f16c": "f16c",
        "hw.optional.avx512f": "avx512f", "hw.optional.avx512bw": "avx512bw", "hw.optional.avx512dq": "avx512dq",
        "hw.optional.avx512vl": "avx512vl", "hw.optional.avx512vnni": "avx512_vnni",
    ]

    private static func isEnabled(_ name: String) -> Bool {
        var value: Int32 = 0
        var size = MemoryLayout<Int32>.size
        return sysctlbyname(name, &value, &size, nil, 0) == 0 && value == 1
    }
    #endif
}
