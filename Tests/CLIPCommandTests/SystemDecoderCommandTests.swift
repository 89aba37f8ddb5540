import CLIPTestSupport
import Foundation
import Testing

/// HEIC, AVIF and JPEG XL on the command line: each decoded in a process of its own, where the library is there.
@Suite struct SystemDecoderCommandTests {
    private let folder: TemporaryFolder
    private let model = ["--model", Fixtures.model]

    init() throws {
        folder = try TemporaryFolder()
        for name in ["scene.png", "scene.heic", "scene.avif", "scene.jxl"] {
            try folder.copy(
                Fixtures.folder(of: "CLIPPicturesTests").appending(path: "system").appending(path: name),
                to: "in/\(name)")
        }
    }

    private func clip(_ arguments: String...) throws -> ClipProcess {
        try ClipProcess.run(ClipProcess.path, arguments + model, in: folder.path)
    }

    /// What `info` says decodes here.
    private func formats() throws -> Set<String> {
        let decoders = try clip("info", "--format", "json").record["system_decoders"] as? [[String: Any]] ?? []
        #expect(!decoders.isEmpty)
        for decoder in decoders where decoder["available"] as? Bool == false {
            #expect((decoder["installation"] as? String)?.contains("apt install") == true)
        }
        return Set(decoders.flatMap { $0["formats"] as? [String] ?? [] })
    }

    @Test func `What the system decodes is embedded, and the rest is named with what installs it`() throws {
        let formats = try formats()
        let result = try clip("embed-image", "in")
        let embedded = Set(try result.records.compactMap { $0["input"] as? String })
        for (name, format) in [("heic", "HEIC"), ("avif", "AVIF"), ("jxl", "JPEG XL")] {
            let isDecoded = formats.contains(format)
            #expect(embedded.contains("in/scene.\(name)") == isDecoded)
            let alone = try clip("embed-image", "in/scene.\(name)")
            #expect(alone.status == (isDecoded ? 0 : 1))
            #expect(isDecoded || alone.errors.contains("install") && result.errors.contains("1 \(format) ("))
        }
        #expect(result.status == 0 && embedded.contains("in/scene.png"))
    }

    @Test func `Without the system's decoders they are left out of folders and refused`() throws {
        let formats = try formats()
        let result = try clip("embed-image", "in", "--no-system-decoders")
        #expect(try result.status == 0 && result.records.count == 1)
        #expect(result.errors.contains("skipped 3 files in in: 1 AVIF (convert it"))
        let alone = try clip("embed-image", "in/scene.heic", "--no-system-decoders")
        #expect(alone.status == 1 && alone.errors.contains("in/scene.heic: HEIC is not supported: convert it"))
        #expect(alone.errors.contains("leave --no-system-decoders away") == formats.contains("HEIC"))
    }

    @Test func `An index keeps pictures while their decoder is away`() throws {
        guard try formats().contains("JPEG XL") else { return }
        #expect(try clip("index", "in", "--format", "json").record["added"] as? Int == 4)
        let without = try clip("index", "in", "--no-system-decoders", "--format", "json").record
        #expect(without["deleted"] as? Int == 0)
        try folder.remove("in/scene.jxl")
        #expect(try clip("index", "in", "--no-system-decoders", "--format", "json").record["deleted"] as? Int == 1)
    }

    @Test func `What lacked its decoder is tried again when that has come, whatever it is called`() throws {
        try folder.move("in/scene.heic", to: "in/photo.jpg")
        let without = try clip("index", "in", "--no-system-decoders", "--format", "json")
        #expect(try without.status == 0 && without.record["unreadable"] as? Int == 0)
        #expect(without.errors.contains("skipped 3 files in in: 1 AVIF (") && without.errors.contains("1 HEIC ("))
        let formats = try formats()
        guard formats.contains("HEIC") else { return }
        #expect(try clip("index", "in", "--format", "json").record["added"] as? Int == formats.count)
        // It went, and the file was touched: what is known of it holds on.
        try FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: folder["in/photo.jpg"])
        let again = try clip("index", "in", "--no-system-decoders", "--format", "json").record
        #expect(again["deleted"] as? Int == 0 && again["unreadable"] as? Int == 0)
        let status = try ClipProcess.run("index", "--status", "in", "--format", "json", in: folder.path)
        #expect(try status.record["pictures"] as? Int == 1 + formats.count)
    }

    @Test func `Damaged ones cost themselves alone`() throws {
        guard try formats().contains("JPEG XL") else { return }
        var random = SeededGenerator(seed: 21)
        var names: [String] = []
        for name in ["heic", "avif", "jxl"] {
            let whole = try folder.bytes("in/scene.\(name)")
            for number in 0..<8 {
                let file = "in/damaged \(number).\(name)"
                try folder.write(random.damaged(whole), to: file)
                names.append(file)
            }
        }
        try folder.write(names.map { $0 + "\n" }.joined(), to: "list")
        let result = try clip("embed-image", "--files-from", "list", "in/scene.jxl")
        #expect(!result.wasKilled && result.status == 1)
        let embedded = Set(try result.records.compactMap { $0["input"] as? String })
        #expect(embedded.contains("in/scene.jxl"))
        for name in names { #expect(embedded.contains(name) != result.errors.contains("clip: \(name): "), "\(name)") }
    }

    @Test func `The request of the process that decodes is no command for people`() throws {
        let result = try ClipProcess.run("--answer-decoding-request")
        #expect(result.status == 1 && result.output.isEmpty && !result.wasKilled)
        #expect(try !ClipProcess.run("--help").text.contains("decoding-request"))
    }
}
