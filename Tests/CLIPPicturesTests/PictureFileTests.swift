import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIPPictures

@Suite struct PictureFileTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = try TemporaryFolder()
        try withExtendedLifetime(folder) { try body(folder.path) }
    }

    /// Bytes that begin as a GIF does.
    private func picture(_ count: Int) -> [UInt8] {
        Array((Array("GIF89a".utf8) + (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }).prefix(count))
    }

    @Test func `What begins as no picture is not read on, whatever its size`() throws {
        try withFolder { folder in
            let path = folder + "/a"
            for beginning in [[], Array("%PDF".utf8), [0, 1, 2]] as [[UInt8]] {
                try Data(beginning).write(to: URL(filePath: path))
                // A file of zeros as large as may be, which takes no room on the disk.
                #expect(truncate(path, 1 << 31) == 0)
                let expected = #expect(throws: CLIPError.self) {
                    try decodePicture(beginning + [UInt8](repeating: 0, count: 100))
                }
                #expect(throws: try #require(expected)) { try readPictureFile(PathBytes(path)) }
            }
            // A Targa file may say so at its end alone.
            var header = [UInt8](repeating: 0, count: 100_000)
            (header[2], header[3], header[12], header[14], header[16]) = (2, 1, 9, 9, 24)
            try Data(header).write(to: URL(filePath: path))
            #expect(try readPictureFile(PathBytes(path)) == header)
        }
    }

    @Test func `The bytes of a file come back`() throws {
        try withFolder { folder in
            for count in [0, 1, 65_535, 65_536, 300_001] {
                let bytes = picture(count)
                try Data(bytes).write(to: URL(filePath: folder + "/a"))
                #expect(try readPictureFile(PathBytes(folder + "/a")) == bytes)
                #expect(try readPictureFile(PathBytes(folder + "/a"), maximumBytes: count) == bytes)
                if count > 0 {
                    #expect(throws: CLIPError.self) {
                        try readPictureFile(PathBytes(folder + "/a"), maximumBytes: count - 1)
                    }
                }
            }
        }
    }

    @Test func `Missing files, folders, devices and bad paths are errors in the system's words`() throws {
        func message(_ path: String) -> String {
            do {
                return "\(try readPictureFile(PathBytes(path)).count) bytes"
            } catch {
                return error.description
            }
        }
        try withFolder { folder in
            #expect(message(folder + "/none") == "can't be opened: No such file or directory")
            #expect(message(folder) == "is a folder, expected a picture file")
            #expect(message("/dev/zero") == "is a device, expected a picture file")
            #expect(message("") == "the path is empty or holds a NUL")
            #expect(message("a\0b") == "the path is empty or holds a NUL")
            #expect(
                message(folder + "/" + String(repeating: "x", count: 5000)) == "can't be opened: File name too long")
        }
    }

    @Test func `A pipe that nobody writes to ends in an error`() throws {
        try withFolder { folder in
            #expect(mkfifo(folder + "/pipe", 0o600) == 0)
            let error = #expect(throws: CLIPError.self) {
                try readPictureFile(PathBytes(folder + "/pipe"), patience: 30)
            }
            #expect(error?.description == "is a pipe that brought nothing for 30 milliseconds")
        }
    }

    @Test func `What a pipe brings is read to its end, and no further than allowed`() throws {
        let bytes = picture(200_000)
        for limit in [1 << 20, 200_000, 150_000] {
            let pipe = Pipe()
            let writing = pipe.fileHandleForWriting
            let finished = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                try? writing.write(contentsOf: Data(bytes))
                try? writing.close()
                finished.signal()
            }
            let descriptor = pipe.fileHandleForReading.fileDescriptor
            if limit >= bytes.count {
                #expect(try readPicture(descriptor: descriptor, maximumBytes: limit) == bytes)
            } else {
                #expect(throws: CLIPError.self) { try readPicture(descriptor: descriptor, maximumBytes: limit) }
                _ = try readPicture(descriptor: descriptor)
            }
            finished.wait()
        }
    }

    @Test func `A named pipe waits for its writer`() throws {
        try withFolder { folder in
            let path = folder + "/pipe"
            #expect(mkfifo(path, 0o600) == 0)
            Thread.detachNewThread {
                usleep(20_000)
                guard let writing = FileHandle(forWritingAtPath: path) else { return }
                try? writing.write(contentsOf: Data([1, 2]))
                usleep(20_000)
                try? writing.write(contentsOf: Data([3]))
                try? writing.close()
            }
            let read = try readPictureFile(PathBytes(path))
            #expect(read == [1, 2, 3])
        }
    }

    #if os(Linux)
    @Test func `Files that say they are empty are read`() throws {
        let bytes = try readPictureFile(PathBytes("/proc/self/status"))
        #expect(String(decoding: bytes, as: UTF8.self).contains("VmSize"))
    }
    #endif
}
