import Testing

@testable import CLIPSystem

@Suite struct ProcessorTests {
    @Test func `Reads features`() {
        let text = "processor\t: 0\nflags\t\t: fpu sse2 avx2 fma f16c\nbugs\t\t:\nprocessor\t: 1\nflags\t\t: other\n"
        #expect(ProcessorFeatures.parse(cpuInfo: text) == ["fpu", "sse2", "avx2", "fma", "f16c"])
        #expect(ProcessorFeatures.parse(cpuInfo: "").isEmpty)
    }

    @Test func `Reads features of arm64`() {
        // AT_PAGESZ, AT_HWCAP and AT_HWCAP2 as a Neoverse V1 has them, without them, and a last pair cut short.
        func bytes(_ numbers: [UInt64]) -> [UInt8] { numbers.flatMap { n in withUnsafeBytes(of: n) { Array($0) } } }
        let all: [UInt64] = [6, 4096, 16, 1 << 20 | 3, 26, 1 << 13, 0, 0]
        #expect(ProcessorFeatures.parse(auxiliaryVector: bytes(all)) == ["asimddp", "i8mm"])
        #expect(ProcessorFeatures.parse(auxiliaryVector: bytes([16, 3, 26, ~(1 << 13), 0, 0])).isEmpty)
        let cut = Array(bytes([26, 1 << 13, 16, 1 << 20]).dropLast())
        #expect(ProcessorFeatures.parse(auxiliaryVector: cut) == ["i8mm"])
        #expect(ProcessorFeatures.parse(auxiliaryVector: []).isEmpty)
    }

    @Test(arguments: [
        ("0", 1), ("0-3", 4), ("0-1,4,6-7", 5), ("", nil), ("x", nil), ("3-1", nil),
    ])
    func `Counts affine processors`(_ list: String, _ expected: Int?) {
        let status = "Name:\tclip\nCpus_allowed:\tff\nCpus_allowed_list:\t\(list)\nMems_allowed:\t1\n"
        #expect(ProcessorCount.affine(status: status) == expected)
    }

    @Test(arguments: [
        (["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "150000 100000\n"], 2),
        (["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"], nil),
        (["/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/cpu.max": "400000 100000\n"], 4),
        (
            [
                "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/cpu.max": "400000 100000\n",
                "/sys/fs/cgroup/a/b/cpu.max": "10000 100000\n",
            ], 1
        ),
        (
            [
                "/proc/self/cgroup": "5:cpu,cpuacct:/docker/x\n4:memory:/\n",
                "/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us": "300000\n",
                "/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us": "100000\n",
            ], 3
        ),
        (
            [
                "/proc/self/cgroup": "5:cpu:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            ], nil
        ),
        ([:], nil),
    ])
    func `Reads the control group's quota`(_ files: [String: String], _ expected: Int?) {
        #expect(ControlGroupQuota { files[$0] }.cores == expected)
    }
}
