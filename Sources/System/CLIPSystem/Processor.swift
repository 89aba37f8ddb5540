/// The features of the processor that its operating system lets programs use, by Linux's names.
package enum ProcessorFeatures {
    package static let current: Set<String> = {
        #if canImport(Darwin)
        Set(darwinNames.filter { isEnabled($0.key) }.map(\.value))
        #elseif arch(arm64)
        parse(auxiliaryVector: (try? PathBytes("/proc/self/auxv").firstBytes(4096)) ?? [])
        #else
        parse(cpuInfo: kernelText("/proc/cpuinfo", limit: 16384) ?? "")
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

    /// Those of an arm64 processor that kernels ask for, from what its kernel hands to every program: pairs of a kind and a
    /// value, 64 bits each, of which the kinds 16 and 26 hold a bit per feature.
    package static func parse(auxiliaryVector bytes: [UInt8]) -> Set<String> {
        var features: Set<String> = []
        bytes.withUnsafeBytes { bytes in
            for offset in stride(from: 0, to: bytes.count - 15, by: 16) {
                let kind = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                let value = bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
                if kind == 16, value >> 20 & 1 != 0 { features.insert("asimddp") }
                if kind == 26, value >> 13 & 1 != 0 { features.insert("i8mm") }
            }
        }
        return features
    }

    #if canImport(Darwin)
    private static let darwinNames = [
        "hw.optional.avx2_0": "avx2", "hw.optional.fma": "fma", "hw.optional.f16c": "f16c",
        "hw.optional.avx512f": "avx512f", "hw.optional.avx512bw": "avx512bw", "hw.optional.avx512dq": "avx512dq",
        "hw.optional.avx512vl": "avx512vl", "hw.optional.avx512vnni": "avx512_vnni",
        "hw.optional.arm.FEAT_DotProd": "asimddp", "hw.optional.arm.FEAT_I8MM": "i8mm",
    ]

    private static func isEnabled(_ name: String) -> Bool {
        var value: Int32 = 0
        var size = MemoryLayout<Int32>.size
        return sysctlbyname(name, &value, &size, nil, 0) == 0 && value == 1
    }
    #endif
}

/// The number of cores that this process may use.
package enum ProcessorCount {
    package static let usable: Int = {
        #if canImport(Darwin)
        return online
        #else
        let status = kernelText("/proc/self/status") ?? ""
        let quota = ControlGroupQuota { kernelText($0) }.cores
        return max(1, min(affine(status: status) ?? online, quota ?? .max))
        #endif
    }()

    private static var online: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// The number of processors that the scheduler may put a process on, from the text of /proc/PID/status: a line such
    /// as `Cpus_allowed_list: 0-3,8`.
    static func affine(status: String) -> Int? {
        let name = "Cpus_allowed_list:"
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else { return nil }
        var count = 0
        for range in line.dropFirst(name.count).split(separator: ",") {
            let ends = range.split(separator: "-").map { Int($0.filter(\.isNumber)) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, (0...last).contains(first) else {
                return nil
            }
            count += last - first + 1
        }
        return count > 0 ? count : nil
    }
}

/// The share of processor time that the control groups of this process (versions 1 and 2) grant it.
struct ControlGroupQuota {
    /// The text of a file, or nil if there is none.
    let read: (String) -> String?

    init(read: @escaping (String) -> String?) { self.read = read }

    /// The tightest limit of the process's group and the groups around it, rounded up to whole cores.
    var cores: Int? {
        guard let membership = read("/proc/self/cgroup") else { return nil }
        var limits: [Int] = []
        // hierarchy:controllers:path
        for line in membership.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let controllers = fields[1].split(separator: ",")
            for group in ControlGroupQuota.ancestry(of: String(fields[2])) {
                if controllers.isEmpty {
                    limits.append(contentsOf: unified(group).map { [$0] } ?? [])
                } else if controllers.contains("cpu") {
                    let mounts = ["cpu", fields[1]].map { "/sys/fs/cgroup/\($0)" }
                    limits.append(contentsOf: mounts.compactMap { legacy($0 + group) })
                }
            }
        }
        return limits.min()
    }

    /// `/a/b`, `/a` and the root, which is the process's own group where groups have namespaces.
    static func ancestry(of path: String) -> [String] {
        let names = path.split(separator: "/")
        return (0...names.count).map { count in names.prefix(count).map { "/" + $0 }.joined() }
    }

    private func unified(_ group: String) -> Int? {
        guard let text = read("/sys/fs/cgroup\(group)/cpu.max") else { return nil }
        let fields = text.split { $0 == " " || $0 == "\n" }
        guard fields.count == 2 else { return nil }
        return ControlGroupQuota.cores(quota: Int(fields[0]), period: Int(fields[1]))
    }

    private func legacy(_ group: String) -> Int? {
        func number(_ name: String) -> Int? {
            read("\(group)/\(name)").flatMap { Int($0.split(separator: "\n").first ?? "") }
        }
        return ControlGroupQuota.cores(quota: number("cpu.cfs_quota_us"), period: number("cpu.cfs_period_us"))
    }

    private static func cores(quota: Int?, period: Int?) -> Int? {
        guard let quota, let period, quota > 0, period > 0 else { return nil }
        return quota / period + (quota % period > 0 ? 1 : 0)
    }
}

/// How often the system has stopped the calling thread to run another; 0 where it doesn't tell.
package func preemptionsOfThread() -> Int {
    #if canImport(Darwin)
    return 0
    #else
    // RUSAGE_THREAD, which not every C library declares.
    let thread: Int32 = 1
    var usage = rusage()
    #if canImport(Musl)
    let status = getrusage(thread, &usage)
    #else
    let status = getrusage(__rusage_who_t(thread), &usage)
    #endif
    return status == 0 ? usage.ru_nivcsw : 0
    #endif
}

/// The first `limit` bytes of a text file of a few lines in which a kernel reports, or nil if it can't be read.
private func kernelText(_ path: String, limit: Int = 4096) -> String? {
    (try? PathBytes(path).firstBytes(limit)).map { String(decoding: $0, as: UTF8.self) }
}
