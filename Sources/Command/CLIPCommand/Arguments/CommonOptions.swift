// Options that more than one command has.
extension Option {
    static let help = Option("help", short: "h", help: "Show help information.")
    static let version = Option("version", help: "Show the version.")

    static let model = Option(
        "model", .text("model"),
        help: """
            A .clip file, a Hugging Face folder, a .safetensors file beside its config.json, org/name in the hub's \
            cache, or a short name that 'clip models --known' lists; embedded is the small model that ships with \
            clip. (default: $CLIP_MODEL, else the model of the index, else the embedded one)
            """)
    static let threads = Option(
        "threads", .integer("count", 1...1024),
        help: "How many threads compute. (default: $CLIP_THREADS, else the cores that this process may use)")
    static let batchSize = Option(
        "batch-size", .integer("count", 1...4096),
        help: """
            How many are encoded together: speed and memory, never the result. (default: what takes about a second, at \
            most 32 pictures; 256 texts)
            """)
    static let normalize = Option(
        "normalize", .pair(off: "no-normalize"), help: "Scale embeddings to length 1. (default: --normalize)")

    static let filesFrom = Option(
        "files-from", .file("file"), isRepeatable: true,
        help: "Read paths from a file, one a line; - is standard input.")
    static let textsFrom = Option(
        "file", .file("file"), isRepeatable: true, help: "Read texts from a file, one a line; - is standard input.")
    static let nulSeparated = Option(
        "null", short: "0", help: "Entries of such a list end with a NUL byte, not with a line's end.")

    static let longText = Option(
        "long-text", .choice("rule", ["truncate", "error", "chunk"]),
        help: """
            What happens to a text that is longer than the model's context: truncate drops its end with a warning, \
            error refuses it, chunk averages the embeddings of windows. (default: truncate)
            """)

    static let fit = Option(
        "fit", .choice("rule", ["crop", "squash", "pad", "multicrop"]), group: .pictures,
        help: """
            How a picture becomes square: crop keeps the middle, squash distorts, pad adds borders, multicrop \
            averages windows along the long side. (default: what the model was trained with)
            """)
    static let alpha = Option(
        "alpha", .choice("rule", ["white", "drop"]), group: .pictures,
        help: "Lay transparent pictures over white, or drop their transparency. (default: white)")
    static let orient = Option(
        "orient", .pair(off: "no-orient"), group: .pictures,
        help: "Turn photos upright by their EXIF orientation. (default: --orient)")
    static let gray16 = Option(
        "gray16", .choice("rule", ["high", "clip"]), group: .pictures,
        help: "16-bit grey: take the high byte, or clip at 255 as Pillow does. (default: high)")
    static let maximumPixels = Option(
        "max-pixels", .integer("count", 1...(1 << 40)), group: .pictures,
        help: "Refuse pictures of more pixels than this. (default: 200000000)")
    static let allowTruncated = Option(
        "allow-truncated", group: .pictures, help: "Take what there is of a picture file that is cut short.")

    static let fastDecode = Option(
        "fast-decode", group: .pictures,
        help: """
            Scale JPEGs of at least twice the model's size down while they are decoded: large photos take a third of \
            the time or less. Embeddings differ a little: of 18 photos they kept a cosine of 0.995 (the embedded \
            model) and 0.9999 (a ViT-B/32) to the exact ones.
            """)

    static let output = Option(
        "output", short: "o", .target("file"), group: .output,
        help: "Write to a file, which appears complete or not at all. (default: standard output)")
    static let quiet = Option(
        "quiet", short: "q", .pair(off: "progress"), group: .output,
        help: "Leave out progress bar and warnings; errors are always shown. (default: --progress, at a terminal)")

    /// `--format`, of those formats that the command has.
    static func format(_ formats: [OutputFormat]) -> Option {
        var help = "How results are written: \(formats.map(\.rawValue).joined(separator: ", "))."
        if formats.contains(.npy) { help += " npy is for files and pipes." }
        let fallback = formats.contains(.text) ? "text at a terminal, jsonl elsewhere" : "jsonl"
        help += " (default: by the name after -o, else \(fallback))"
        return Option("format", .choice("format", formats.map(\.rawValue)), group: .output, help: help)
    }

    static let modelOptions = [model, threads]
    static let pictureOptions = [fit, alpha, orient, gray16, maximumPixels, allowTruncated, fastDecode]
    static func outputOptions(_ formats: [OutputFormat]) -> [Option] { [format(formats), output, overwrite, quiet] }
}

extension Positional {
    static let pictures = Positional(
        "path", count: 1...Int.max, unless: [.filesFrom], isPath: true,
        help: """
            Pictures: files, folders (all pictures inside, sorted; hidden ones are skipped), or - for the bytes of one \
            picture on standard input.
            """)
    static let texts = Positional("text", count: 1...Int.max, unless: [.textsFrom], help: "Texts.")
    static let optionalModel = Positional(
        "model", count: 0...1, isPath: true, help: "The model, as for --model.")
}
