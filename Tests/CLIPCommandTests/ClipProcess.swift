import CLIPTestSupport
import Foundation

/// The program as its users see it: arguments and bytes in, status and bytes out.
struct ClipProcess {
    let status: Int32
    /// Whether a signal ended it; `status` is then the signal's number.
    let wasKilled: Bool
    let output: Data
    let errors: String

    /// What it wrote, as text.
    var text: String { String(decoding: output, as: UTF8.self) }
    /// What it wrote, line by line.
    var lines: [String] { text.split(separator: "\n").map(String.init) }
    /// What it complained about, line by line.
    var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
    /// Its JSON lines.
    var records: [[String: Any]] { get throws { try lines.map(jsonObject) } }

    /// The first of them.
    var record: [String: Any] { get throws { try jsonObject(lines.first ?? output.description) } }

    static let path = BuiltProgram.path("clip")

    /// Runs `clip` with `arguments`.
    static func run(
        _ arguments: String..., input: Data? = nil, in folder: String? = nil, environment: [String: String] = [:]
    ) throws -> ClipProcess {
        try run(path, arguments, input: input, in: folder, environment: environment)
    }

    /// Runs a line of bash in which `$clip` is the program.
    static func bash(_ line: String, in folder: String? = nil, environment: [String: String] = [:]) throws
        -> ClipProcess
    {
        try run("/bin/bash", ["-c", line], in: folder, environment: environment.merging(["clip": path]) { $1 })
    }

    /// Runs `program`, with files at both ends of it, so that no pipe can fill up.
    static func run(
        _ program: String, _ arguments: [String], input: Data? = nil, in folder: String? = nil,
        environment: [String: String] = [:]
    ) throws -> ClipProcess {
        let scratch = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: folder ?? scratch.path)
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CLIP_") }
        variables.merge(environment) { $1 }
        process.environment = variables
        process.standardInput =
            try input.map { try FileHandle(forReadingFrom: URL(filePath: scratch.write($0, to: "stdin"))) }
            ?? FileHandle.nullDevice
        let outputPath = try scratch.write(Data(), to: "stdout")
        let errorPath = try scratch.write(Data(), to: "stderr")
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: outputPath))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: errorPath))
        try process.run()
        process.waitUntilExit()
        return ClipProcess(
            status: process.terminationStatus, wasKilled: process.terminationReason == .uncaughtSignal,
            output: try Data(contentsOf: URL(filePath: outputPath)),
            errors: String(decoding: try Data(contentsOf: URL(filePath: errorPath)), as: UTF8.self))
    }
}

/// `text` as a JSON object.
func jsonObject(_ text: String) throws -> [String: Any] {
    try jsonObject(Data(text.utf8))
}

/// `data` as a JSON object.
func jsonObject(_ data: Data) throws -> [String: Any] {
    let value = try JSONSerialization.jsonObject(with: data)
    guard let object = value as? [String: Any] else { throw CocoaError(.propertyListReadCorrupt) }
    return object
}

/// Small models and pictures with golden values.
extension Fixtures {
    static let path = folder(of: "CLIPTests").path
    static let model = modelFolder().path
    static let pictures = path + "/pictures"
    static let models = ["quickgelu-f32", "gelu-f16-sharded"].map { modelFolder($0).path }

    /// `golden.json` of a model.
    static func golden(_ model: String) throws -> [String: Any] {
        try jsonObject(try Data(contentsOf: URL(filePath: model + "/golden.json")))
    }
}

extension TemporaryFolder {
    /// Copies a fixture picture.
    @discardableResult
    func copyPicture(_ picture: String, to name: String) throws -> String {
        try copy(Fixtures.pictureFile(picture), to: name)
    }
}

/// Runs `clip` in a folder.
func clip(_ arguments: [String], in folder: TemporaryFolder, input: String? = nil) throws -> ClipProcess {
    try ClipProcess.run(ClipProcess.path, arguments, input: input.map { Data($0.utf8) }, in: folder.path)
}
