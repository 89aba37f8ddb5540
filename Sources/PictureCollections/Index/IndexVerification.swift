import CLIP
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// What reading every byte of an index found.
public struct IndexVerification: Sendable {
    /// How many pictures were checked.
    public let pictureCount: Int
    /// Where the pictures are whose vector or record is damaged; nil for one whose name can't be read either.
    public let damagedPictures: [URL?]
    /// The same pictures, to show.
    package let damagedPaths: [String]
    /// Damage to what belongs to no picture that holds, such as padding and older records.
    public let otherDamage: [String]
    /// Bytes at the end that a run was writing when it was cut short. The next run drops them.
    public let tornByteCount: Int

    /// Whether the file ends where a run did: not so after one that was cut short or still goes on, and in half a copy.
    public let isComplete: Bool

    /// Whether every byte of the index is as it was written, and all are there.
    public var isIntact: Bool { isComplete && damagedPaths.isEmpty && otherDamage.isEmpty }
}

extension PictureIndex {
    /// Reads the whole file and compares every checksum.
    ///
    /// - Throws: `CLIPError` of kind `.cancelled` once the task is cancelled, and no other.
    /// - Complexity: O(file size), limited by the disk.
    public func verify() throws(CLIPError) -> IndexVerification {
        var damaged: [Int] = []
        var other: [String] = []
        for segment in file.segments {
            guard try checksum(segment.body) != segment.header.bodyChecksum else { continue }
            let before = damaged.count
            for ordinal in segment.entries where file.live.contains(ordinal) {
                try checkCancellation()
                let isIntact =
                    file.record(ordinal).map {
                        !file.hasVector(ordinal) || CRC32C.checksum(file.vectorBytes(ordinal)) == $0.vectorChecksum
                    } ?? false
                if !isIntact { damaged.append(ordinal) }
            }
            if damaged.count == before {
                other.append("the segment at byte \(segment.header.offset), in a part that no picture needs")
            }
        }
        return IndexVerification(
            pictureCount: count + unreadableCount,
            damagedPictures: damaged.map { number in
                file.withName(number) { PathBytes(pathBytes(Array($0))).url }
            }, damagedPaths: damaged.map { unverifiedPath(of: $0) }, otherDamage: other,
            tornByteCount: file.tornByteCount, isComplete: isComplete)
    }

    /// What `verify()` finds, without blocking the caller's executor.
    /// - Throws: `CLIPError` of kind `.cancelled` once the task is cancelled, and no other.
    public func verification() async throws(CLIPError) -> IndexVerification {
        try await withoutBlocking { () throws(CLIPError) in try verify() }
    }

    private func checksum(_ bytes: UnsafeRawBufferPointer) throws(CLIPError) -> UInt32 {
        var sum = CRC32C()
        for start in stride(from: 0, to: bytes.count, by: 1 << 24) {
            try checkCancellation()
            sum.update(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + (1 << 24), bytes.count)]))
        }
        return sum.value
    }
}
