internal import CLIPJSON
internal import CLIPPictures
internal import CLIPSystem
internal import CLIPWeights

/// Texts and pictures whose embeddings by the original weights travel with a packed model, so that it can prove itself.
struct Probes: Sendable {
    struct EmbeddedText: Sendable {
        let name: String
        /// Not normalised.
        let embedding: [Float]
    }

    struct EmbeddedPicture: Sendable {
        let name: String
        let image: Picture
        /// Not normalised.
        let embedding: [Float]
    }

    var texts: [EmbeddedText]
    var pictures: [EmbeddedPicture]

    /// Case, contractions, digits, accents, other scripts, an empty text, and one longer than the context.
    static let builtInTexts = [
        "a photo of a dog", "Two RED cars, parked; one's blue!", "naïve café — 3.14159", "東京の夜景 🔥", "",
        "a very " + String(repeating: "very ", count: 90) + "long text",
    ]

    init(texts: [EmbeddedText], pictures: [EmbeddedPicture]) {
        self.texts = texts
        self.pictures = pictures
    }

    /// The probes that a flat file carries; nil when it carries none.
    init?(_ flat: FlatFile, dimension: Int) throws(CLIPError) {
        guard let json = flat.file.metadata[FlatFile.Name.probes] else { return nil }
        let fields = try jsonObject(Array(json.utf8), path: flat.path)
        func names(_ key: String) -> [String] { fields[key]?.array?.compactMap(\.string) ?? [] }
        let (texts, pictures) = (names("texts"), names("pictures"))
        guard !texts.isEmpty || !pictures.isEmpty else { return nil }
        let textRows = try Probes.rows(flat, FlatFile.Name.textProbes, texts.count, dimension)
        let pictureRows = try Probes.rows(flat, FlatFile.Name.imageProbes, pictures.count, dimension)
        self.init(texts: zip(texts, textRows).map(EmbeddedText.init), pictures: [])
        for (name, row) in zip(pictures, pictureRows) {
            guard let picture = ProbePicture(rawValue: name) else {
                throw CLIPError(
                    .model, path: flat.path,
                    "has a probe picture \(jsonString(String(name.unicodeScalars.prefix(60)))) that this program "
                        + "doesn't know: update it, or pack the model again")
            }
            self.pictures.append(EmbeddedPicture(name: name, image: Picture(bitmap: picture.bitmap), embedding: row))
        }
    }

    /// The names, as a flat file's metadata keeps them.
    var json: String {
        let texts = texts.map { jsonString($0.name) }.joined(separator: ",")
        let pictures = pictures.map { jsonString($0.name) }.joined(separator: ",")
        return "{\"texts\":[\(texts)],\"pictures\":[\(pictures)]}"
    }

    private static func rows(
        _ flat: FlatFile, _ name: String, _ count: Int, _ dimension: Int
    ) throws(CLIPError) -> [[Float]] {
        guard count > 0 else { return [] }
        guard let tensor = try flat.tensor(name, types: [.f32], shape: [count, dimension]) else {
            throw CLIPError(.model, path: flat.path, "has no tensor \"\(name)\": it is damaged, pack the model again")
        }
        let values = try tensor.floats()
        return (0..<count).map { Array(values[$0 * dimension..<($0 + 1) * dimension]) }
    }
}

/// Pictures made by a formula in whole numbers: the same on every machine.
enum ProbePicture: String, CaseIterable, Sendable {
    /// A landscape of smooth colours.
    case gradient
    /// A portrait of rings, finer towards the edge: resizing shows.
    case rings
    /// A square of hard edges and noise.
    case checks

    var bitmap: Bitmap {
        switch self {
        case .gradient: ProbePicture.draw(96, 64) { x, y in (x * 255 / 95, y * 255 / 63, x * y % 256) }
        case .rings:
            ProbePicture.draw(120, 200) { x, y in
                let distance = (x - 60) * (x - 60) + (y - 100) * (y - 100)
                let value = distance / 16 % 256
                return (value, 255 - value, value * 7 % 256)
            }
        case .checks:
            ProbePicture.draw(64, 64) { x, y in
                let noise = (x * 73 + y * 151 + x * y * 31) % 64
                return (x / 8 + y / 8) % 2 == 0 ? (192 + noise, 64, noise) : (noise, 96 + noise, 255 - noise)
            }
        }
    }

    private static func draw(_ width: Int, _ height: Int, _ colour: (Int, Int) -> (Int, Int, Int)) -> Bitmap {
        var pixels: [UInt8] = []
        pixels.reserveCapacity(3 * width * height)
        for y in 0..<height {
            for x in 0..<width {
                let (red, green, blue) = colour(x, y)
                pixels += [UInt8(red), UInt8(green), UInt8(blue)]
            }
        }
        return Bitmap(width: width, height: height, pixels: pixels)
    }
}

extension Probes {
    /// The embeddings that another implementation gave, from a folder's golden.json:
    /// `{"texts": [{"text", "embedding"}], "pictures": [{"picture", "embedding"}]}`, not normalised.
    ///
    /// Pictures lie in a folder `pictures` in the model's folder, or beside one of the two folders above it.
    /// nil when there is no golden.json.
    init?(goldenOf folder: ModelFolder, dimension: Int) throws(CLIPError) {
        guard let json = try folder.readText("golden.json") else { return nil }
        let path = folder.path(of: "golden.json")
        let fields = try jsonObject(json, path: path)
        self.init(texts: [], pictures: [])
        for entry in fields["texts"]?.array ?? [] {
            guard let text = entry["text"]?.string else { continue }
            texts.append(EmbeddedText(name: text, embedding: try Probes.embedding(entry, dimension, path: path)))
        }
        for entry in fields["pictures"]?.array ?? [] {
            guard let name = entry["picture"]?.string else { continue }
            let image = try Picture(path: try Probes.picture(name, of: folder), options: PictureOptions())
            pictures.append(
                EmbeddedPicture(name: name, image: image, embedding: try Probes.embedding(entry, dimension, path: path))
            )
        }
    }

    private static func embedding(_ entry: JSONValue, _ dimension: Int, path: String) throws(CLIPError) -> [Float] {
        let values = (entry["embedding"]?.array ?? []).compactMap { $0.double.map { Float($0) } }
        guard values.count == dimension else {
            throw CLIPError(
                .model, path: path, "has an embedding of \(values.count) values, expected \(dimension): make it again")
        }
        return values
    }

    private static func picture(_ name: String, of folder: ModelFolder) throws(CLIPError) -> PathBytes {
        for place in ["pictures", "../pictures", "../../pictures"] {
            let pictures = ModelFolder(folder.location(of: place))
            if !name.contains("/"), try pictures.contains(name) { return pictures.location(of: name) }
        }
        throw CLIPError(
            .model, path: folder.path(of: "golden.json"),
            "names the picture \(jsonString(String(name.unicodeScalars.prefix(60)))), which is in no folder "
                + "\"pictures\" in or above the model's: put it there")
    }
}

/// How far one probe drifted from the stored embedding.
public struct ProbeResult: Sendable, Equatable {
    /// The probe's text, or the name of its picture.
    public let probe: String
    /// Whether the probe is a picture, not a text.
    public let isPicture: Bool
    /// The cosine of the probe's embedding to the stored one.
    public let cosine: Float
    /// The largest difference of a coordinate, relative to the largest coordinate.
    public let largestError: Float
    /// The least cosine that these weights should reach: 0.999999 for f32, 0.9999 for f16, 0.99 for int8; where they were
    /// packed from a narrower type, what that one should.
    public let leastCosine: Float
    /// Whether the cosine reaches `leastCosine`.
    public var passes: Bool { cosine >= leastCosine }
}
