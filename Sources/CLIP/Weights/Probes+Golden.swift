internal import CLIPSystem
internal import CLIPJSON
internal import CLIPWeights

extension Probes {
    /// The embeddings that another implementation gave, from a folder's golden.json:
    /// `{"texts": [{"text", "embedding"}], "pictures": [{"picture", "embedding"}]}`, not normalised.
    ///
    /// Pictures lie in a folder `pictures` in the model's folder, or beside one of the two folders above it.
    /// nil when there is no golden.json.
    init?(goldenOf folder: ModelFolder, dimension: Int) throws(CLIPError) {
        guard let json = try folder.text("golden.json") else { return nil }
        let path = folder.path(of: "golden.json")
        let fields = try jsonObject(json, path: path)
        self.init(texts: [], pictures: [])
        for entry in fields["texts"]?.array ?? [] {
            guard let text = entry["text"]?.string else { continue }
            texts.append(EmbeddedText(name: text, embedding: try Probes.embedding(entry, dimension, path: path)))
        }
        for entry in fields["pictures"]?.array ?? [] {
            guard let name = entry["picture"]?.string else { continue }
            let image = try Picture(path: PathBytes(try Probes.picture(name, of: folder)), options: PictureOptions())
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

    private static func picture(_ name: String, of folder: ModelFolder) throws(CLIPError) -> String {
        for place in ["pictures", "../pictures", "../../pictures"] {
            let pictures = ModelFolder(path: folder.path(of: place))
            if !name.contains("/"), try pictures.has(name) { return pictures.path(of: name) }
        }
        throw CLIPError(
            .model, path: folder.path(of: "golden.json"),
            "names the picture \(jsonString(String(name.unicodeScalars.prefix(60)))), which is in no folder "
                + "\"pictures\" in or above the model's: put it there")
    }
}
